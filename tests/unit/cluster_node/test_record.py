"""The record of a node: when nobody needs it any more, and that it survives being written down."""

import dataclasses
import json
import os
from pathlib import Path

from tests.cluster.process import Identity
from tests.cluster.real import record
from tests.cluster.real.record import Record

ALIVE = Identity.of(os.getpid())
assert ALIVE is not None
DEAD = Identity(pid=ALIVE.pid, start_ticks=ALIVE.start_ticks + 1)
BRIDGE = Record(owner=ALIVE, guarded=True, bridge="gemma4-0", gateway="10.99.0.1", subnet="10.99.0.0/24")


def _standing(cluster: Path, **changes: object) -> Record:
    node = dataclasses.replace(BRIDGE, owner=DEAD, guarded=False, node="real-0", cluster=str(cluster), containerd=ALIVE)
    return dataclasses.replace(node, **changes)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    assert record.read(tmp_path) is None
    written = dataclasses.replace(BRIDGE, containerd=DEAD, made_directories=("/a",), sysctls={"kernel/panic": "1"})
    record.write(written, tmp_path)
    assert record.read(tmp_path) == written
    record.forget(tmp_path)
    assert record.read(tmp_path) is None


def test_what_another_checkout_knows_more_is_no_error(tmp_path: Path) -> None:
    record.write(BRIDGE, tmp_path)
    file = tmp_path / "node.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "colour": "green"}))
    assert record.read(tmp_path) == BRIDGE


def test_a_test_s_node_is_a_leftover_once_its_runner_has_ended() -> None:
    assert not BRIDGE.leftover()
    assert dataclasses.replace(BRIDGE, owner=DEAD).leftover()


def test_a_person_s_bridge_waits_for_its_node() -> None:
    assert not dataclasses.replace(BRIDGE, owner=DEAD, guarded=False).leftover()


def test_a_person_s_node_outlives_the_command_but_not_its_cluster(tmp_path: Path) -> None:
    assert _standing(tmp_path).leftover()
    (tmp_path / "cluster.json").touch()
    assert not _standing(tmp_path).leftover()


def test_a_person_s_node_without_containerd_is_a_leftover(tmp_path: Path) -> None:
    (tmp_path / "cluster.json").touch()
    assert _standing(tmp_path, containerd=DEAD).leftover()
    # Still being started, or given up while it was.
    assert not _standing(tmp_path, containerd=None, owner=ALIVE).leftover()
    assert _standing(tmp_path, containerd=None).leftover()
