"""A real Prometheus, from Debian's package, that scrapes what a test serves."""

import contextlib
import http.client
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.cluster import debian, ports, process
from tests.cluster.process import Program, Running
from tests.cluster.real import shell
from tests.cluster.waiting import wait_for

PACKAGE = {"prometheus": ("prometheus",)}


@dataclass(frozen=True)
class Scraped:
    """One target of a job: where it is, and the labels that service discovery would give it."""

    address: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Server:
    running: Running
    url: str


@contextlib.contextmanager
def scraping(jobs: Mapping[str, Sequence[Scraped]], *, folder: Path, interval: str = "200ms") -> Iterator[Server]:
    """Yields a Prometheus that scrapes each target of each job, once it is ready; it ends with its runner."""
    debian.ensure(PACKAGE)
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_config(jobs, interval)), encoding="utf-8")
    (reserved,) = ports.reserve(1)
    command = (
        shell.find("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{reserved.port}",
    )
    running = process.start(Program("prometheus", command, log=folder / "prometheus.log"), guarded=True)
    try:
        wait_for(lambda: _is_ready(running, reserved.port), 30, lambda: f"Prometheus:\n{running.tail()}")
        yield Server(running, f"http://127.0.0.1:{reserved.port}")
    finally:
        running.kill()
        reserved.release()


def _config(jobs: Mapping[str, Sequence[Scraped]], interval: str) -> dict[str, object]:
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "scrape_configs": [
            {
                "job_name": name,
                "static_configs": [{"targets": [one.address], "labels": dict(one.labels)} for one in targets],
            }
            for name, targets in jobs.items()
        ],
    }


def _is_ready(running: Running, port: int) -> bool:
    running.require()
    with (
        contextlib.suppress(OSError, http.client.HTTPException),
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection,
    ):
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == 200
    return False
