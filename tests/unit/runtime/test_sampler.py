"""Rounds of reading, on a clock of their own (looptime): when they come, what is kept, and what is forgotten."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from gemma4_operator.engines import dialects
from gemma4_operator.runtime.passing import Pass, passing, under_way
from gemma4_operator.runtime.sampler import Sampler, Target, spread
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling.sample import Counts, Sample

pytestmark = pytest.mark.looptime

CHAT = Key("team", "chat")
CODE = Key("team", "code")


def seconds() -> float:
    return asyncio.get_running_loop().time()


def pods(*names: str) -> list[Target]:
    return [Target(name=name, address=f"10.0.0.{name}", dialects=(dialects.VLLM,)) for name in names]


@dataclass
class Engines:
    """Answers for all pods but those that are silent, after a while, and remembers when it was asked."""

    takes_seconds: float = 0.1
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[float, Key, tuple[str, ...]]] = field(default_factory=list)
    forgotten: list[Key] = field(default_factory=list)
    error: Exception | None = None

    async def read(self, key: Key, targets: Sequence[Target]) -> Mapping[str, Sample]:
        self.asked.append((seconds(), key, tuple(target.name for target in targets)))
        counts = Counts(running=len(self.asked), waiting=0)
        at_seconds = seconds()
        await asyncio.sleep(self.takes_seconds)
        if self.error is not None:
            raise self.error
        names = {target.name for target in targets} - self.silent
        return {name: Sample(at_seconds=at_seconds, counts=counts) for name in names}

    def forget(self, key: Key) -> None:
        self.forgotten.append(key)

    def begun(self, key: Key = CHAT) -> list[float]:
        return [at for at, whose, _ in self.asked if whose == key]


@dataclass
class Scene:
    """A sampler with the pods that it is told of, and the rounds that it has told of."""

    pods: dict[Key, list[Target]] = field(default_factory=lambda: {CHAT: pods("1", "2"), CODE: pods("3")})
    rounds: list[tuple[float, Key]] = field(default_factory=list)
    sampler: Sampler = field(init=False)

    def __post_init__(self) -> None:
        self.sampler = Sampler(
            targets=lambda key: self.pods[key],
            on_round=lambda key: self.rounds.append((seconds(), key)),
            monotonic=seconds,
            period_seconds=5.0,
        )

    def running(self, name: str, key: Key = CHAT) -> float:
        return self.sampler.samples(key)[name].counts.running


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    one = Scene()
    yield one
    one.sampler.close()


@pytest.fixture
def engines() -> Engines:
    return Engines()


async def test_the_pods_are_read_each_period_and_each_round_is_told(scene: Scene, engines: Engines) -> None:
    scene.sampler.follow(CHAT, engines)
    assert scene.sampler.samples(CHAT) == {}
    await asyncio.sleep(20)
    first = spread("team/chat") * 5
    assert engines.begun() == pytest.approx([first, first + 5, first + 10, first + 15])
    assert scene.rounds == [(pytest.approx(at + 0.1), CHAT) for at in engines.begun()]
    assert scene.sampler.samples(CHAT)["1"] == Sample(
        at_seconds=pytest.approx(first + 15), counts=Counts(running=4, waiting=0)
    )


async def test_a_round_is_no_part_of_the_pass_that_began_to_follow(scene: Scene) -> None:
    found: list[Pass | None] = []

    class Listening(Engines):
        async def read(self, key: Key, targets: Sequence[Target]) -> Mapping[str, Sample]:
            found.append(under_way())
            return {}

    with passing(CHAT):
        scene.sampler.follow(CHAT, Listening())
    await asyncio.sleep(10)
    assert found == [None, None]


async def test_who_is_followed_already_is_not_followed_twice(scene: Scene, engines: Engines) -> None:
    for _ in range(10):
        scene.sampler.follow(CHAT, engines)
        await asyncio.sleep(1)
    assert len(engines.asked) == 2
    assert engines.forgotten == []


async def test_samples_from_elsewhere_replace_those_from_here(scene: Scene, engines: Engines) -> None:
    scene.sampler.follow(CHAT, engines)
    await asyncio.sleep(5)
    other = Engines()
    scene.sampler.follow(CHAT, other)
    assert scene.sampler.samples(CHAT) == {}
    await asyncio.sleep(5)
    assert (len(engines.asked), len(other.asked)) == (1, 1)
    assert engines.forgotten == [CHAT]


async def test_rounds_of_one_resource_never_overlap(scene: Scene, engines: Engines) -> None:
    """One that takes longer than the period makes the next ones come later, and none of them at once."""
    engines.takes_seconds = 12
    scene.sampler.follow(CHAT, engines)
    await asyncio.sleep(60)
    first = spread("team/chat") * 5
    assert engines.begun() == pytest.approx([first, first + 15, first + 30, first + 45])


async def test_nor_does_a_slow_one_delay_those_of_others(scene: Scene, engines: Engines) -> None:
    slow = Engines(takes_seconds=1000)
    scene.sampler.follow(CHAT, slow)
    scene.sampler.follow(CODE, engines)
    await asyncio.sleep(20)
    assert len(engines.asked) == 4
    assert len(slow.asked) == 1


async def test_a_clock_that_wakes_too_early_makes_no_second_round(scene: Scene, engines: Engines) -> None:
    engines.takes_seconds = 0
    scene.sampler = Sampler(
        targets=lambda key: scene.pods[key], on_round=lambda _: None, monotonic=lambda: seconds() * 0.9999
    )
    scene.sampler.follow(CHAT, engines)
    await asyncio.sleep(20)
    assert len(engines.asked) == 4


async def test_a_pod_that_does_not_answer_keeps_its_old_sample(scene: Scene, engines: Engines) -> None:
    scene.sampler.follow(CHAT, engines)
    await asyncio.sleep(5)
    before = scene.sampler.samples(CHAT)["2"]
    engines.silent = {"2"}
    await asyncio.sleep(5)
    assert scene.sampler.samples(CHAT)["2"] is before
    assert scene.running("1") == 2
    engines.silent = set()
    await asyncio.sleep(5)
    assert scene.running("2") == 3


async def test_one_that_is_gone_is_forgotten_and_a_new_one_read(scene: Scene, engines: Engines) -> None:
    scene.sampler.follow(CHAT, engines)
    await asyncio.sleep(5)
    scene.pods[CHAT] = pods("2", "4")
    await asyncio.sleep(5)
    assert set(scene.sampler.samples(CHAT)) == {"2", "4"}
    scene.pods[CHAT] = []
    await asyncio.sleep(5)
    assert scene.sampler.samples(CHAT) == {}
    scene.pods[CHAT] = pods("2")
    engines.silent = {"2"}
    await asyncio.sleep(5)
    assert scene.sampler.samples(CHAT) == {}


async def test_a_round_in_which_nobody_answers_is_told_too(scene: Scene, engines: Engines) -> None:
    """For that is when a decision must be made without them."""
    engines.silent = {"1", "2"}
    scene.sampler.follow(CHAT, engines)
    await asyncio.sleep(5)
    assert [key for _, key in scene.rounds] == [CHAT]
    assert scene.sampler.samples(CHAT) == {}


async def test_a_mishap_costs_a_round_and_not_the_resource(
    scene: Scene, engines: Engines, caplog: pytest.LogCaptureFixture
) -> None:
    engines.error = RuntimeError("out of order")
    scene.sampler.follow(CHAT, engines)
    with caplog.at_level(logging.ERROR):
        await asyncio.sleep(5)
    assert "team/chat" in caplog.text
    engines.error = None
    await asyncio.sleep(5)
    assert scene.running("1") == 2


async def test_who_is_forgotten_is_read_no_more(scene: Scene, engines: Engines) -> None:
    scene.sampler.follow(CHAT, engines)
    scene.sampler.follow(CODE, engines)
    await asyncio.sleep(5)
    scene.sampler.forget(CHAT)
    scene.sampler.forget(CHAT)
    assert scene.sampler.samples(CHAT) == {}
    await asyncio.sleep(10)
    assert (len(engines.begun(CHAT)), len(engines.begun(CODE))) == (1, 3)
    assert engines.forgotten == [CHAT]
    scene.sampler.close()
    await asyncio.sleep(10)
    assert len(engines.begun(CODE)) == 3


async def test_forgetting_in_the_middle_of_a_round_leaves_nothing(scene: Scene, engines: Engines) -> None:
    engines.takes_seconds = 2
    scene.sampler.follow(CHAT, engines)
    await asyncio.sleep(spread("team/chat") * 5 + 1)
    scene.sampler.forget(CHAT)
    await asyncio.sleep(10)
    assert scene.rounds == []
    assert scene.sampler.samples(CHAT) == {}


async def test_what_was_handed_out_does_not_change(scene: Scene, engines: Engines) -> None:
    scene.sampler.follow(CHAT, engines)
    await asyncio.sleep(5)
    before = scene.sampler.samples(CHAT)
    await asyncio.sleep(5)
    assert before["1"].counts.running == 1


async def test_a_hundred_resources_are_spread_over_the_period(scene: Scene, engines: Engines) -> None:
    keys = [Key("team", f"model-{number}") for number in range(100)]
    for key in keys:
        scene.pods[key] = pods("1")
        scene.sampler.follow(key, engines)
    await asyncio.sleep(5)
    begun = sorted(at for at, _, _ in engines.asked)
    assert len(begun) == 100
    in_each_half_second = [sum(1 for at in begun if int(at / 0.5) == part) for part in range(10)]
    assert max(in_each_half_second) <= 25
    assert min(in_each_half_second) >= 2


def test_a_name_has_its_own_place_whoever_asks() -> None:
    assert spread("team/chat") == spread("team/chat") == pytest.approx(0.4252, abs=1e-4)
    assert 0 <= spread("") < 1
