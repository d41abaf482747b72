"""A real Prometheus, from Debian's package, that scrapes what a test serves."""

import contextlib
import http.client
import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.cluster import debian, ports, process
from tests.cluster.process import Program, Running
from tests.cluster.real import shell
from tests.cluster.waiting import wait_for

PACKAGE = {"prometheus": ("prometheus", "promtool")}


@dataclass(frozen=True)
class Scraped:
    """One target of a job: where it is, and the labels that service discovery would give it."""

    address: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """One series of an answer."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Server:
    running: Running
    url: str

    def query(self, expression: str) -> list[Found]:
        """Returns what an expression gives now. Raises ValueError with what Prometheus says of one that is wrong."""
        return [
            Found(labels=one["metric"], value=float(one["value"][1]))
            for one in self.ask("/api/v1/query", query=expression)["result"]
        ]

    def ask(self, path: str, **query: str) -> Any:
        """Returns the data of an answer of its API."""
        with contextlib.closing(http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)) as connection:
            connection.request("GET", f"{path}?{urlencode(query)}")
            answer = json.loads(connection.getresponse().read())
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        return answer["data"]


@contextlib.contextmanager
def scraping(
    jobs: Mapping[str, Sequence[Scraped]],
    *,
    folder: Path,
    interval: str = "200ms",
    honor_labels: bool = False,
    rules: Sequence[Path] = (),
) -> Iterator[Server]:
    """Yields a Prometheus that scrapes each target of each job, once it is ready; it ends with its runner.

    Args:
        jobs: The targets of each.
        folder: Where it keeps what it needs.
        interval: How often it scrapes, and looks at its rules.
        honor_labels: Whether what a target says goes before what is known of the target.
        rules: Files of rules.
    """
    found = [
        {
            "job_name": name,
            "honor_labels": honor_labels,
            "static_configs": [{"targets": [one.address], "labels": dict(one.labels)} for one in targets],
        }
        for name, targets in jobs.items()
    ]
    with _run(found, folder=folder, interval=interval, rules=rules) as server:
        yield server


@contextlib.contextmanager
def following(targets: Callable[[], Sequence[Scraped]], *, folder: Path, interval: str = "1s") -> Iterator[Server]:
    """Yields a Prometheus that scrapes what there is, as its discovery of Kubernetes does, which Debian's lacks."""
    file = folder / "targets.json"
    job = {"job_name": "pods", "file_sd_configs": [{"files": [str(file)], "refresh_interval": "1s"}]}
    ended = threading.Event()

    def write() -> None:
        found = [{"targets": [one.address], "labels": dict(one.labels)} for one in targets()]
        unfinished = file.with_suffix(".new")
        unfinished.write_text(json.dumps(found), encoding="utf-8")
        unfinished.replace(file)

    def follow() -> None:
        while not ended.wait(0.5):
            write()

    write()
    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        with _run([job], folder=folder, interval=interval) as server:
            yield server
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def _run(
    jobs: Sequence[Mapping[str, object]], *, folder: Path, interval: str, rules: Sequence[Path] = ()
) -> Iterator[Server]:
    debian.ensure(PACKAGE)
    config = folder / "prometheus.yml"
    settings = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": list(jobs),
    }
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
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


def promtool(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Runs Prometheus' own tool, which lints metrics and tests rules; a failure is a result, not an exception."""
    debian.ensure(PACKAGE)
    run = subprocess.run([shell.find("promtool"), *arguments], input=given, capture_output=True, check=False)
    return subprocess.CompletedProcess(run.args, run.returncode, run.stdout.decode(), run.stderr.decode())


def _is_ready(running: Running, port: int) -> bool:
    running.require()
    with (
        contextlib.suppress(OSError, http.client.HTTPException),
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection,
    ):
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == 200
    return False
