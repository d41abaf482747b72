"""What Helm says at the end of an installation: the next commands, as they are run."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chart.conftest import SOME_NAMESPACES, HelmRun
from tests.cluster import Cluster
from tests.integration.operating import install_crd

pytestmark = pytest.mark.cluster

KEPT = "`helm uninstall` leaves"


@pytest.fixture
def notes(run_helm: HelmRun) -> Callable[..., str]:
    """Return the notes that an installation with some values ends with."""

    def said(*sets: str) -> str:
        result = run_helm("install", *sets, arguments=("--generate-name", "--dry-run=client"))
        assert result.returncode == 0, result.stderr
        return result.stdout.partition("NOTES:\n")[2]

    return said


def blocks(text: str) -> list[str]:
    """Return the commands as somebody copies them, spaces before them included."""
    return [part for part in text.split("\n\n") if part.startswith("  ")]


def test_the_first_command_is_the_test_of_this_release(notes: Callable[..., str]):
    test, _ = blocks(notes())
    words = test.split()
    assert words[:2] == ["helm", "test"]
    assert words[3:] == ["--namespace", "gemma4-system"]
    assert words[2].startswith("gemma4-operator-"), "the release's name, which Helm has made up"


def test_the_second_makes_a_model_and_shows_it(
    cluster: Cluster, kubectl: Path, namespace: str, notes: Callable[..., str]
):
    install_crd(cluster)
    _, model = blocks(notes())
    script = model.replace("--namespace default", f"--namespace {namespace}")
    environment = {"PATH": f"{kubectl.parent}:/usr/bin:/bin", "KUBECONFIG": str(cluster.kubeconfig), "HOME": "/tmp"}
    shown = subprocess.run(["bash", "-euc", script], env=environment, capture_output=True, text=True, check=True).stdout
    assert "gemma4deployment.gemma4.dev/first created" in shown
    assert "ENDPOINT" in shown


def test_a_model_is_made_where_the_operator_looks(notes: Callable[..., str]):
    assert "kubectl apply --namespace team-a -f -" in notes(*SOME_NAMESPACES)


@pytest.mark.parametrize(
    ("sets", "kept"),
    [((), True), (("crds.keep=false",), False), (("crds.enabled=false",), False)],
)
def test_what_uninstalling_leaves_is_said_where_it_leaves_something(
    notes: Callable[..., str], sets: tuple[str, ...], kept: bool
):
    assert (KEPT in notes(*sets)) == kept
