"""Slow things are made once, and a failure leaves nothing that looks finished."""

import re
import sys
import threading
from pathlib import Path

import pytest

from tests.cluster import ClusterError
from tests.cluster.real import once


def test_two_who_want_it_get_one(tmp_path: Path) -> None:
    target, builds = tmp_path / "thing", []
    begun, go_on = threading.Event(), threading.Event()

    def build(into: Path) -> None:
        builds.append(into)
        begun.set()
        assert go_on.wait(60)
        (into / "file").write_text("whole")

    threads = [threading.Thread(target=once.make, args=(target, build), kwargs={"label": "thing"}) for _ in range(2)]
    threads[0].start()
    assert begun.wait(60)
    assert not target.exists()
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert len(builds) == 1
    assert (target / "file").read_text() == "whole"


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def build(into: Path) -> None:
        (into / "half").touch()
        raise ClusterError("no")

    with pytest.raises(ClusterError):
        once.make(tmp_path / "thing", build, label="thing")
    assert [path.name for path in tmp_path.iterdir()] == [".thing.lock"]


def test_a_failed_command_says_what_it_said() -> None:
    script = "import sys; print('the compiler is out of coffee'); sys.exit(3)"
    with pytest.raises(ClusterError, match=r"(?s)^engine: .*out of coffee"):
        once.run([sys.executable, "-c", script], label="engine")


def test_the_heartbeat_tells_the_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = tmp_path / "heard"

    def say(text: str) -> None:
        if re.search(r"engine: \d+ s, \[7/9\] compiling", text):
            heard.touch()

    monkeypatch.setattr(once, "_HEARTBEAT_SECONDS", 0.2)
    monkeypatch.setattr(once, "say", say)
    # It goes on until it was heard, or for a minute.
    wait = f"any(os.path.exists({str(heard)!r}) or time.sleep(0.1) for _ in range(600))"
    once.run([sys.executable, "-c", f"import os, time; print('[7/9] compiling', flush=True); {wait}"], label="engine")
    assert heard.exists()


def test_the_cache_follows_the_person_s_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert once.cache("engines") == tmp_path / "gemma4-operator" / "engines"
    assert (tmp_path / "gemma4-operator" / "engines").is_dir()
