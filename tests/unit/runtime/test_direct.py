"""Pods asked one by one: in the dialect that they answered in, at their own moments, and each by itself."""

import asyncio
from dataclasses import dataclass, field

import pytest

from gemma4_operator.engines import dialects
from gemma4_operator.engines.base import Dialect
from gemma4_operator.runtime.direct import GAP_SECONDS, PLACES, Direct
from gemma4_operator.runtime.sampler import Target
from gemma4_operator.runtime.scrape import AT_ONCE, Answer
from gemma4_operator.runtime.store import Key

pytestmark = pytest.mark.looptime

CHAT = Key("team", "chat")
NIM = (dialects.NIM_2, dialects.NIM_1)
OLD = Dialect(path="/old", running="old_running", waiting="old_waiting", prompt_tokens="p", generation_tokens="g")
BOTH = (dialects.VLLM, OLD)
VLLM_SAYS = b"vllm:num_requests_running 3\nvllm:num_requests_waiting 1\n"
NIM_1_SAYS = b"num_requests_running 5\nnum_requests_waiting 0\n"
OLD_SAYS = b"old_running 7\nold_waiting 0\n"


def seconds() -> float:
    return asyncio.get_running_loop().time()


def target(number: int = 1, spoken: tuple[Dialect, ...] = (dialects.VLLM,)) -> Target:
    return Target(name=f"chat-{number}", address=f"10.0.0.{number}", dialects=spoken)


@dataclass
class Pods:
    """Says something under each path, to as many as the scraper asks at once, and remembers who was asked, and when."""

    says: dict[str, bytes | None] = field(default_factory=lambda: {"/metrics": VLLM_SAYS})
    takes_seconds: float = 0.0
    hanging: set[str] = field(default_factory=set)
    asked: list[tuple[str, int, str]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def __call__(self, *, address: str, port: int, path: str) -> Answer | None:
        async with self.places:
            self.asked.append((address, port, path))
            self.moments.append(asked_seconds := seconds())
            if address in self.hanging:
                await asyncio.sleep(3)
                return None
            await asyncio.sleep(self.takes_seconds)
        said = self.says.get(path)
        return Answer(said, asked_seconds) if said is not None else None

    def paths(self) -> list[str]:
        paths = [path for _, _, path in self.asked]
        self.asked.clear()
        return paths


@pytest.fixture
def pods() -> Pods:
    return Pods()


def direct(pods: Pods, *, period_seconds: float = 5.0) -> Direct:
    return Direct(ask=pods, period_seconds=period_seconds)


async def test_each_pod_says_what_it_does(pods: Pods) -> None:
    said = await direct(pods).read(CHAT, [target(1), target(2)])
    assert {name: sample.counts.running for name, sample in said.items()} == {"chat-1": 3, "chat-2": 3}
    assert pods.asked == [("10.0.0.1", 8000, "/metrics"), ("10.0.0.2", 8000, "/metrics")]


async def test_nobody_is_there_to_be_asked(pods: Pods) -> None:
    one = direct(pods)
    assert await one.read(CHAT, []) == {}
    assert one.trouble(CHAT) == ""


async def test_where_no_pod_answers_it_says_what_to_look_at(pods: Pods) -> None:
    one = direct(pods)
    pods.says = {}
    assert await one.read(CHAT, [target(1), target(2)]) == {}
    assert "the pods' port 8000" in one.trouble(CHAT)
    assert one.trouble(Key("team", "other")) == ""
    pods.says = {"/metrics": VLLM_SAYS}
    await one.read(CHAT, [target(1), target(2)])
    assert one.trouble(CHAT) == ""


async def test_what_is_forgotten_is_in_no_trouble(pods: Pods) -> None:
    one = direct(pods)
    pods.says = {}
    await one.read(CHAT, [target()])
    one.forget(CHAT)
    assert one.trouble(CHAT) == ""


async def test_an_engine_that_publishes_nothing_is_not_asked(pods: Pods) -> None:
    assert await direct(pods).read(CHAT, [target(spoken=())]) == {}
    assert pods.asked == []


@pytest.mark.parametrize("says", [None, b"", b"vllm:num_requests_waiting 1\n", b"vllm:num_requests_running NaN\n"])
async def test_who_does_not_say_what_is_in_work_is_missing(pods: Pods, says: bytes | None) -> None:
    pods.says = {"/metrics": says}
    assert await direct(pods).read(CHAT, [target()]) == {}


async def test_the_moment_is_that_of_the_question(pods: Pods) -> None:
    """An answer that takes three seconds is not taken for news of now."""
    await asyncio.sleep(10)
    pods.takes_seconds = 3
    said = await direct(pods).read(CHAT, [target()])
    assert said["chat-1"].at_seconds == pytest.approx(10)


class TestDialects:
    async def test_one_answer_is_read_in_all_dialects_of_its_path(self, pods: Pods) -> None:
        pods.says = {"/v1/metrics": NIM_1_SAYS}
        said = await direct(pods).read(CHAT, [target(spoken=NIM)])
        assert said["chat-1"].counts.running == 5
        assert pods.paths() == ["/v1/metrics"]

    async def test_paths_are_asked_in_order_and_from_then_on_the_one_that_answered(self, pods: Pods) -> None:
        pods.says = {"/metrics": b"# nothing\n", "/old": OLD_SAYS}
        source = direct(pods)
        for asked in (["/metrics", "/old"], ["/old"], ["/old"]):
            said = await source.read(CHAT, [target(spoken=BOTH)])
            assert said["chat-1"].counts.running == 7
            assert pods.paths() == asked

    async def test_where_it_answers_in_another_way_again_that_is_found_at_once(self, pods: Pods) -> None:
        """A container that is started again keeps its address and may be of another version."""
        pods.says = {"/old": OLD_SAYS}
        source = direct(pods)
        await source.read(CHAT, [target(spoken=BOTH)])
        pods.says = {"/metrics": VLLM_SAYS}
        pods.asked.clear()
        assert (await source.read(CHAT, [target(spoken=BOTH)]))["chat-1"].counts.running == 3
        assert pods.paths() == ["/old", "/metrics"]
        await source.read(CHAT, [target(spoken=BOTH)])
        assert pods.paths() == ["/metrics"]

    async def test_each_address_has_its_own(self, pods: Pods) -> None:
        pods.says = {"/old": OLD_SAYS}
        source = direct(pods)
        await source.read(CHAT, [target(1, BOTH)])
        pods.asked.clear()
        await source.read(CHAT, [target(1, BOTH), target(2, BOTH)])
        assert sorted(pods.asked) == [
            ("10.0.0.1", 8000, "/old"),
            ("10.0.0.2", 8000, "/metrics"),
            ("10.0.0.2", 8000, "/old"),
        ]

    async def test_what_an_engine_does_not_speak_is_not_asked_of_it(self, pods: Pods) -> None:
        """An address may become that of another pod."""
        pods.says = {"/old": OLD_SAYS}
        source = direct(pods)
        await source.read(CHAT, [target(spoken=BOTH)])
        pods.asked.clear()
        await source.read(CHAT, [target(spoken=(dialects.VLLM,))])
        assert pods.paths() == ["/metrics"]

    @pytest.mark.parametrize("forgetting", ["gone for a round", "forgotten"])
    async def test_it_is_forgotten_with_the_pod(self, pods: Pods, forgetting: str) -> None:
        pods.says = {"/old": OLD_SAYS}
        source = direct(pods)
        await source.read(CHAT, [target(spoken=BOTH)])
        if forgetting == "forgotten":
            source.forget(CHAT)
        else:
            await source.read(CHAT, [])
        pods.asked.clear()
        await source.read(CHAT, [target(spoken=BOTH)])
        assert pods.paths() == ["/metrics", "/old"]


class TestSpread:
    async def test_a_few_pods_are_asked_at_once_and_the_next_a_moment_later(self, pods: Pods) -> None:
        await direct(pods).read(CHAT, [target(number) for number in range(25)])
        assert [pods.moments.count(at) for at in sorted(set(pods.moments))] == [10, 10, 5]
        assert sorted(set(pods.moments)) == pytest.approx([0, GAP_SECONDS, 2 * GAP_SECONDS])

    async def test_many_are_spread_over_half_the_period(self, pods: Pods) -> None:
        await direct(pods, period_seconds=2).read(CHAT, [target(number % 250) for number in range(500)])
        assert max(pods.moments) == pytest.approx(0.98)
        assert len(set(pods.moments)) == 50

    async def test_one_that_hangs_holds_up_no_question_to_others(self, pods: Pods) -> None:
        pods.hanging = {"10.0.0.3"}
        said = await direct(pods).read(CHAT, [target(number) for number in range(20)])
        assert len(said) == 19
        assert max(pods.moments) == pytest.approx(GAP_SECONDS)

    async def test_those_that_hang_take_only_their_own_places(self, pods: Pods) -> None:
        """A resource with a thousand pods that never answer must not blind all others."""
        pods.hanging = {f"10.0.0.{number}" for number in range(40)}
        source = direct(pods)
        async with asyncio.TaskGroup() as group:
            group.create_task(source.read(CHAT, [target(number) for number in range(40)]))
            await asyncio.sleep(1)
            assert len(pods.asked) == PLACES
            said = await source.read(Key("team", "other"), [target(200)])
        assert said["chat-200"].at_seconds == pytest.approx(1)
        assert len(pods.asked) == 41

    async def test_nor_do_those_of_many_resources_once_they_have_hung(self, pods: Pods) -> None:
        """All resources share the scraper's places, and a node that is lost takes pods of many with it."""
        lost = {Key("team", f"lost-{number}"): f"10.1.{number}." for number in range(30)}
        pods.hanging = {f"{net}{number}" for net in lost.values() for number in range(10)}
        source = direct(pods)

        async def rounds(key: Key, net: str) -> None:
            spoken = (dialects.VLLM,)
            while True:
                pods_of = [Target(name=f"{key.name}-{n}", address=f"{net}{n}", dialects=spoken) for n in range(10)]
                await source.read(key, pods_of)
                await asyncio.sleep(1)

        tasks = [asyncio.create_task(rounds(key, net)) for key, net in lost.items()]
        await asyncio.sleep(60)
        for _ in range(20):
            begun = seconds()
            said = await source.read(CHAT, [target(200)])
            assert said["chat-200"].at_seconds == pytest.approx(begun)
            await asyncio.sleep(1.3)
        pods.hanging = set()
        pods.asked.clear()
        await asyncio.sleep(60)
        assert {address for address, _, _ in pods.asked} == {f"{net}{n}" for net in lost.values() for n in range(10)}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def test_those_that_answer_wait_for_none_of_their_own_that_did_not(self, pods: Pods) -> None:
        pods.hanging = {f"10.0.0.{number}" for number in range(40)}
        source = direct(pods)
        all_of_it = [target(number) for number in range(41)]
        await source.read(CHAT, all_of_it)
        begun = seconds()
        assert (await source.read(CHAT, all_of_it))["chat-40"].at_seconds == pytest.approx(begun)
