"""The operator itself: killed at every request it makes, doubled, frozen, and with a clock that jumps."""

import secrets
from collections import Counter
from collections.abc import Callable

from gemma4_operator.runtime.world import USUAL_KINDS
from tests.cluster import wait_for
from tests.cluster.faults import ApplyThenDrop, Hang, Match
from tests.cluster.faults import Fault as Meeting
from tests.cluster.proxy import FaultProxy
from tests.faults import skewed
from tests.faults.api_server import NOTHING, RESILIENCE, SAME, done, work
from tests.faults.fault import Fault, Kind
from tests.faults.ground import Ground, nothing_lost, with_twin
from tests.integration.home import Home, as_anywhere, is_ready, notes, sample
from tests.integration.operating import NAME, OperatorProcess, account, add_account

NEVER = 3600
SECOND = "gemma4-operator-b"
DAY_SECONDS = 86400


def killed_at_each_request(meeting: Meeting) -> Callable[[Ground], str]:
    """Return what kills an operator at its first request for a new resource, then at its second, and so on.

    Each resource has a namespace of its own, by which its requests are told apart; the operator that comes back
    finishes the one before while the next is made.
    """

    def play(ground: Ground) -> str:
        homes: list[Home] = []
        with ground.proxy() as proxy, ground.operators() as operators:
            operator = operators.new(server=proxy.server, authority=proxy.ca, resync_seconds=NEVER).wait_leading()
            killed = True
            while killed:
                with ground.home(leave=True) as home:
                    killed = _killed(home, operator, proxy, meeting, after=len(homes))
                homes.append(home)
            events = _judge(homes)
            operator.must_be_steady(ever=True)
        for home in homes:
            home.end()
        return f"{len(homes) - 1} requests, killed at each; events of each: {events}."

    return play


def _killed(home: Home, operator: OperatorProcess, proxy: FaultProxy, meeting: Meeting, *, after: int) -> bool:
    """Kill the operator at one of its requests for a new resource, if it makes so many, and start it again."""
    rule = proxy.fail(Match(path=f"/namespaces/{home.namespace}/", watch=False), meeting, times=1, after=after)
    home.create(sample("chat"))
    wait_for(lambda: rule.hits or _over(home), 60, lambda: operator.log(), interval_seconds=0.01)
    if rule.hits:
        operator.kill()
    proxy.clear(rule)
    if rule.hits:
        operator.start()
    return bool(rule.hits)


def _over(home: Home) -> bool:
    """Whether a resource is ready and nothing more is written about it."""
    if not is_ready(home.resource("chat")):
        return False
    home.wait_quiet(seconds=1.5)
    return True


def _judge(homes: list[Home]) -> str:
    """Assert that all are as the last one is, which nobody disturbed; return how many events tell of each."""
    undisturbed = homes[-1]
    wanted = {kind: as_anywhere(child) for kind, child in undisturbed.children("chat").items()}
    said = Counter(event["reason"] for event in undisturbed.events("chat"))
    most = 0
    for home in homes:
        home.wait_ready("chat", timeout_seconds=60)
        home.wait_quiet(seconds=0.3)
        assert {kind: as_anywhere(child) for kind, child in home.children("chat").items()} == wanted
        assert [len(home.objects.list(kind, home.namespace)) for kind in USUAL_KINDS] == [1, 1, 1]
        assert len(home.pods()) == 1
        told = Counter(event["reason"] for event in home.events("chat"))
        assert all(told[reason] <= said[reason] + 1 for reason in told), told
        assert (told - said).total() <= 1, f"{told} where an undisturbed one has {said}"
        most = max(most, told.total())
    return f"at most {most}, undisturbed {said.total()}"


def two_leaders(ground: Ground) -> str:
    """Have two operators lead at once, each by a Lease of its own."""
    add_account(ground.cluster, SECOND)
    with ground.operators() as operators, ground.home() as home:
        both = [operators.new(account=name, resync_seconds=5).wait_leading() for name in (NAME, SECOND)]
        twin_pod = with_twin(home, sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        offset = ground.cluster.audit_offset()
        work(home)
        wait_for(lambda: done(home), 60, "what was asked for")
        home.edit("chat", endpoint=None)
        nothing_lost(home, "next", "chat", twin_pod=twin_pod)
        written = [home.writes(since=offset, user=account(name)).total() for name in (NAME, SECOND)]
        assert all(written), "only one of them wrote"
        assert sum(written) < 100
        assert not notes(home.events("chat"), "Contested")
        assert not any("Traceback" in one.whole_log() for one in both)
        return f"Both wrote ({written[0]} and {written[1]} times) the same, and stopped."


def clock_jumps(ground: Ground) -> str:
    """Move the operator's wall clock a day ahead, and then two days back."""
    skew = ground.folder / f"skew-{secrets.token_hex(4)}"
    skew.write_text("0")
    with ground.operators() as operators, ground.home() as home:
        operator = operators.new(module=skewed.__name__, environment={skewed.SKEW_FILE: str(skew)}, resync_seconds=5)
        operator.wait_leading()
        twin_pod = with_twin(home, sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        moments = []
        for seconds, replicas in ((DAY_SECONDS, 2), (-DAY_SECONDS, 1)):
            offset = home.wait_quiet()
            skew.write_text(str(seconds))
            home.wait_resync(since=offset)
            assert not home.writes(since=offset), "the clock alone made it write"
            home.edit("chat", replicas=replicas)
            home.wait_ready("chat")
            moments.append(home.ready("chat")["lastTransitionTime"])
        nothing_lost(home, "chat", twin_pod=twin_pod)
        operator.must_be_steady(ever=True)
        assert moments[0] > moments[1], "the clock did not jump"
        return f"lastTransitionTime {moments[0]}, and after it {moments[1]}."


FAULTS = (
    Fault(
        name="The operator is killed at each request of a pass, before it arrives",
        kind=Kind.OPERATOR,
        sees=NOTHING,
        proof="The same children, each once, and at most one event more than undisturbed.",
        play=killed_at_each_request(Hang()),
    ),
    Fault(
        name="The operator is killed at each request of a pass, after it was done and before the answer",
        kind=Kind.OPERATOR,
        sees=NOTHING,
        proof="The same children, each once, and at most one event more than undisturbed.",
        play=killed_at_each_request(ApplyThenDrop()),
    ),
    Fault(
        name="The operator is killed at any moment, under twenty new resources",
        kind=Kind.OPERATOR,
        sees=NOTHING,
        proof="All twenty are like an undisturbed twin.",
        tests=(f"{RESILIENCE}::TestDeath::test_one_that_is_killed_at_any_moment_ends_in_the_same_state",),
    ),
    Fault(
        name="The operator's node dies, or asks it to end",
        kind=Kind.OPERATOR,
        sees="What it always sees: at once after a stop, within 20 s after a death.",
        proof="The one that stood by writes nothing before, and the one that led nothing after.",
        tests=(
            f"{RESILIENCE}::TestLeadership"
            "::test_who_dies_is_followed_in_time_and_who_is_asked_to_end_hands_over_at_once",
        ),
    ),
    Fault(
        name="The operator freezes past its Lease and wakes up",
        kind=Kind.OPERATOR,
        sees="What it always sees, from the one that took over.",
        proof="The frozen one ends without one more write.",
        tests=(f"{RESILIENCE}::TestLeadership::test_one_that_was_frozen_past_its_lease_never_writes_again",),
    ),
    Fault(
        name="Two operators lead at once",
        kind=Kind.OPERATOR,
        sees="What it always sees.",
        proof=f"{SAME} They do not fight: both write the same.",
        play=two_leaders,
    ),
    Fault(
        name="The operator's clock jumps a day ahead and two days back",
        kind=Kind.OPERATOR,
        sees="Times in the status that are wrong, and nothing else: the Lease and all waiting go by a monotonic clock.",
        proof="A jump alone causes no write, and edits are done as ever.",
        play=clock_jumps,
    ),
)
