"""`make demo` itself: what a new user sees is what this file reads."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.demo import install
from hack.demo.__main__ import with_a_real_node, with_fake_nodes
from hack.demo.show import Show, short
from tests.cluster import Cluster
from tests.cluster.debian import why_no_node


@pytest.fixture
def started() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.mark.node
@pytest.mark.cluster
@pytest.mark.skipif(why_no_node() is not None, reason=why_no_node() or "")
def test_a_resource_becomes_a_pod_that_answers(
    tmp_path: Path, started: contextlib.ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator runs in a pod of its own under its own role; a real engine computes on real weights."""
    with_a_real_node(Show(steps=7), root=tmp_path, guarded=True, started=started)
    shown = capsys.readouterr().out
    assert "gemma4deployment.gemma4.dev/chat condition met" in shown
    assert "The capital of France is Paris." in shown
    assert "Created Deployment, Service, PodDisruptionBudget." in shown
    assert "Insufficient nvidia.com/gpu" in shown
    assert str(install.ROOT) not in shown


@pytest.mark.cluster
def test_without_a_real_node_it_says_so_and_shows_what_can_be_shown(
    tmp_path: Path, started: contextlib.ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    with_fake_nodes(Show(steps=5), "a real node needs root", root=tmp_path, guarded=True, started=started)
    shown = capsys.readouterr().out
    assert shown.startswith("No real node here: a real node needs root.")
    lines = [line.split(maxsplit=3) for line in shown.splitlines()]
    ready = {line[0] for line in lines if line[1:3] == ["True", "Ready"]}
    assert ready == {"assistant", "e2b", "helper", "support"}


def test_the_operator_that_was_started_is_ended_and_no_stranger_is(tmp_path: Path) -> None:
    class Stopped:
        directory = tmp_path

    cluster: Cluster = Stopped()  # type: ignore[assignment]
    install.stop_process(cluster)  # nothing was started
    record = tmp_path / "operator-process.json"
    record.write_text('{"pid": 1, "start_ticks": 0}')  # another process has that number by now
    install.stop_process(cluster)
    assert not record.exists()


def test_paths_are_shown_as_a_person_in_the_checkout_would_write_them() -> None:
    assert short(f"kubectl apply -f {install.ROOT}/crds") == "kubectl apply -f crds"
    assert short(f"{Path.home()}/.cache") == "~/.cache"
