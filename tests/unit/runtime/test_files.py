"""How many connections there may be: more than a container begins with, in the process that is started."""

import resource
from collections.abc import Iterator

import pytest

from gemma4_operator import __main__ as program
from gemma4_operator.kube.connect import NoCredentials
from gemma4_operator.runtime.files import raise_limit

BEGUN_WITH = 1024


@pytest.fixture
def most() -> Iterator[int]:
    """What a container of containerd 2 begins with stands here for a moment; yields what it may raise that to."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(BEGUN_WITH, before[1]), before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_all_that_the_system_allows_are_taken(most: int) -> None:
    for _ in range(2):
        raise_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)


def test_before_the_operator_begins(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    async def run(_: object) -> None:
        seen.append(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        raise NoCredentials("none here")

    monkeypatch.setattr(program, "run", run)
    monkeypatch.setattr(program, "configure", lambda **_: None)
    assert program.main([]) == 1
    assert seen == [most]
