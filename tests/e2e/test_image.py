"""The image of the Dockerfile: small, without a shell, and the operator of the chart on a real node."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.cluster import Cluster, dockerfile, wait_for
from tests.cluster.binaries import locate
from tests.cluster.debian import why_no_node
from tests.cluster.node import RealNode, create_bridge

pytestmark = [pytest.mark.node, pytest.mark.skipif(why_no_node() is not None, reason=why_no_node() or "")]

CHART = Path(__file__).parents[2] / "charts" / "gemma4-operator"
NAMESPACE = "gemma4-system"
MOST_BYTES = 200_000_000
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="module")
def archive() -> Path:
    return dockerfile.image()


@dataclass(frozen=True)
class Installed:
    """A cluster with a real node, and the operator in it, by the chart and from the image."""

    cluster: Cluster
    said: str


@pytest.fixture(scope="module")
def installed(archive: Path) -> Iterator[Installed]:
    with (
        create_bridge(wait_seconds=900) as bridge,
        Cluster.start(bind_address=bridge.gateway) as cluster,
        RealNode.start(cluster=cluster, bridge=bridge) as node,
    ):
        node.import_image(archive)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": RESTRICTED}}
        cluster.apply(namespace)
        repository, _, tag = dockerfile.NAME.rpartition(":")
        sets = (f"image.repository={repository}", f"image.tag={tag}", "image.pullPolicy=Never")
        said = helm(cluster, "install", "operator", str(CHART), *(word for one in sets for word in ("--set", one)))
        yield Installed(cluster, said)


def helm(cluster: Cluster, *arguments: str) -> str:
    command = [str(locate("helm")["helm"]), "--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE]
    wait = ("--wait", "--timeout", "400s") if arguments[0] == "install" else ()
    done = subprocess.run([*command, *arguments, *wait], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{logs(cluster)}"
    return done.stdout


def logs(cluster: Cluster) -> str:
    """Return what the operator says, and what is said of its pod."""
    chosen = ("-n", NAMESPACE, "-l", "app.kubernetes.io/name=gemma4-operator")
    said = cluster.kubectl("logs", *chosen, "--tail=50", check=False)
    events = cluster.kubectl("get", "events", "-n", NAMESPACE, check=False)
    return f"{said.stdout}{said.stderr}\n{events.stdout}"


def test_it_is_small_and_has_nothing_to_attack_it_with(archive: Path) -> None:
    found = dockerfile.contents(archive)
    assert found.size_bytes < MOST_BYTES
    programs = {Path(path).name for path in found.paths if "bin" in Path(path).parent.name}
    assert "python3.11" in programs
    # What else Debian's packages bring is the stand-in's: the Dockerfile names a base without them.
    assert not programs & {"sh", "bash", "dash", "busybox", "apt", "apt-get", "pip", "uv"}
    assert any(path.endswith("gemma4_operator/runtime/app.py") for path in found.paths)
    assert not any("/tests/" in path and "gemma4" in path for path in found.paths)


def test_it_says_what_it_is_and_who_runs_it(archive: Path) -> None:
    config = dockerfile.contents(archive).config
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["/app/.venv/bin/python", "-m", "gemma4_operator"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels.keys() >= {"title", "description", "licenses", "version", "revision"}
    assert labels["version"] == yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]


def test_the_operator_runs_from_it_under_the_restricted_standard(installed: Installed) -> None:
    cluster = installed.cluster
    resource = {
        "apiVersion": "gemma4.dev/v1alpha1",
        "kind": "Gemma4Deployment",
        "metadata": {"name": "chat", "namespace": "default"},
        "spec": {"model": {"variant": "E2B"}},
    }
    cluster.apply(resource)

    def planned() -> bool:
        found = cluster.get("gemma4deployment", "chat", "default")
        return bool(found.get("status", {}).get("conditions"))

    wait_for(planned, 60, lambda: f"the operator to say something of a resource; it says\n{logs(cluster)}")


def test_nobody_gets_a_shell_in_it(installed: Installed) -> None:
    deployment = installed.cluster.kubectl("get", "deployment", "-n", NAMESPACE, "-o", "name").stdout.strip()
    tried = installed.cluster.kubectl("exec", deployment, "-n", NAMESPACE, "--", "/bin/sh", "-c", "id", check=False)
    assert tried.returncode != 0
    assert "/bin/sh" in tried.stderr
    assert "no such file" in tried.stderr
