"""Laws of rollouts over random clusters, delays and disturbances: nobody goes who must serve, and nothing hangs."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.api.update import Disruption, UpdateStrategy
from gemma4_operator.rollout.strategy import Way
from tests.property.rollout_model import Fleet

AUTO, SURGE, RECREATE = UpdateStrategy.AUTO, UpdateStrategy.SURGE, UpdateStrategy.RECREATE
STEPS = 400


@st.composite
def fleets(draw: st.DrawFn, *, strategies: tuple[UpdateStrategy, ...] = tuple(UpdateStrategy)) -> Fleet:
    """A deployment that serves, and a cluster with so many GPUs beside its own."""
    replicas = draw(st.integers(min_value=1, max_value=6))
    percent = draw(st.sampled_from((0, 25, 50, 75, 99, 100)))
    fleet = Fleet(
        random=Random(draw(st.integers(min_value=0, max_value=2**32))),
        gpus={"a": replicas + draw(st.integers(min_value=0, max_value=3)), "b": draw(st.integers(0, 6))},
        replicas=replicas,
        max_unavailable=Disruption(min_available_percent=percent).max_unavailable(replicas),
        strategy=draw(st.sampled_from(strategies)),
        template="first",
        gpu="a",
    )
    fleet.settle()
    return fleet


def step(fleet: Fleet) -> None:
    """One of the four acts; the operator comes as seldom as any other, so its numbers are mostly old ones."""
    fleet.random.choice((fleet.operate, fleet.control, fleet.schedule, fleet.run))()


def least(fleet: Fleet) -> int:
    """How many must serve at each moment."""
    may_go = max(1, fleet.max_unavailable) if fleet.strategy is RECREATE else fleet.max_unavailable
    return fleet.replicas - (0 if fleet.strategy is SURGE else may_go)


def roll(fleet: Fleet, template: str, gpu: str = "a") -> None:
    """Ask for another template; the operator gives its numbers in the same breath."""
    fleet.template, fleet.gpu = template, gpu
    fleet.operate()


def walk(fleet: Fleet, steps: int = STEPS) -> bool:
    """Walk until the rollout is over; whether it was."""
    for _ in range(steps):
        step(fleet)
        assert fleet.serving >= least(fleet)
        if fleet.done:
            return True
    return False


@given(fleet=fleets(strategies=(AUTO, RECREATE)))
def test_a_rollout_on_the_same_gpus_always_ends_unless_all_must_stay(fleet: Fleet) -> None:
    roll(fleet, "second")
    may_end = fleet.strategy is RECREATE or fleet.max_unavailable or fleet.gpus["a"] > fleet.replicas
    assert walk(fleet) is bool(may_end)


@given(fleet=fleets())
def test_one_that_waits_ends_once_a_gpu_comes(fleet: Fleet) -> None:
    roll(fleet, "second")
    walk(fleet)
    fleet.gpus["a"] += 1
    assert walk(fleet)


@given(fleet=fleets(strategies=(AUTO, SURGE)))
def test_where_a_gpu_is_free_and_stays_so_nobody_is_missed(fleet: Fleet) -> None:
    fleet.gpus["a"] = max(fleet.gpus["a"], fleet.replicas + 1)
    roll(fleet, "second")
    for _ in range(STEPS):
        step(fleet)
        assert fleet.serving >= fleet.replicas
        if fleet.done:
            break
    assert fleet.done


@given(fleet=fleets(strategies=(AUTO, RECREATE)), hidden=st.integers(min_value=1, max_value=3))
def test_what_only_seems_free_holds_nothing_up(fleet: Fleet, hidden: int) -> None:
    fleet.gpus["a"] += hidden
    fleet.hidden = hidden
    roll(fleet, "second")
    may_end = fleet.strategy is RECREATE or fleet.max_unavailable or fleet.gpus["a"] > fleet.replicas + hidden
    assert walk(fleet) is bool(may_end)


@given(seed=st.integers(0, 2**32), free=st.integers(0, 2), kind=st.sampled_from("ab"))
def test_a_claim_that_one_node_alone_can_mount_holds_nothing_up(seed: int, free: int, kind: str) -> None:
    """A new pod beside the old one would wait for the claim, and the old one for the new one to serve."""
    fleet = Fleet(
        random=Random(seed),
        gpus={"a": 1},
        replicas=1,
        max_unavailable=1,
        strategy=AUTO,
        template="first",
        gpu="a",
        is_exclusive=True,
    )
    fleet.settle()
    fleet.gpus[kind] = fleet.gpus.get(kind, 0) + free
    roll(fleet, "second", kind)
    if not fleet.gpus[kind]:
        assert not walk(fleet)
        assert fleet.serving == 1
        fleet.gpus[kind] = 1
    assert walk(fleet)


@given(fleet=fleets(), reverts=st.integers(min_value=1, max_value=4))
def test_changes_of_mind_in_the_middle_are_rollouts_like_others(fleet: Fleet, reverts: int) -> None:
    fleet.gpus["a"] += 1
    for number in range(reverts):
        roll(fleet, ("second", "first")[number % 2])
        walk(fleet, fleet.random.randrange(40))
    assert walk(fleet)


@given(fleet=fleets(strategies=(AUTO, SURGE)))
def test_other_gpus_are_moved_to_or_waited_for(fleet: Fleet) -> None:
    """An old pod goes for a new one only if that gets a place by it, or has one already."""
    roll(fleet, "second", "b")
    assert walk(fleet) is (fleet.gpus["b"] >= fleet.replicas)
    assert fleet.serving == fleet.replicas


@given(fleet=fleets())
def test_a_template_that_never_serves_takes_no_more_than_it_may(fleet: Fleet) -> None:
    fleet.broken.add("second")
    roll(fleet, "second")
    assert not walk(fleet, 100)
    roll(fleet, "first")
    fleet.gpus["a"] += 1
    assert walk(fleet)


@given(fleet=fleets(strategies=(AUTO, SURGE)))
def test_one_that_serves_nobody_is_replaced_whatever_must_stay(fleet: Fleet) -> None:
    for pod in fleet.pods:
        pod.serving = False
    fleet.broken.add("first")
    fleet.template = "second"
    fleet.operate()
    for _ in range(STEPS):
        step(fleet)
    assert fleet.done


@given(fleet=fleets(), thefts=st.integers(min_value=1, max_value=5))
def test_tenants_that_come_and_go_hold_it_up_at_most(fleet: Fleet, thefts: int) -> None:
    roll(fleet, "second")
    for _ in range(thefts):
        walk(fleet, fleet.random.randrange(20))
        fleet.others["a"] = fleet.random.randint(0, max(0, fleet.free("a") + fleet.others.get("a", 0)))
    fleet.others.clear()
    fleet.gpus["a"] += 1
    assert walk(fleet)


@given(fleet=fleets(strategies=(SURGE,)))
def test_what_must_surge_and_cannot_says_so(fleet: Fleet) -> None:
    fleet.gpus["a"] = fleet.replicas
    roll(fleet, "second")
    assert fleet.decision is not None
    assert fleet.decision.way is Way.BLOCKED
    assert not walk(fleet, 100)
    assert fleet.serving == fleet.replicas
