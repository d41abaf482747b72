"""Which replica a request goes to."""

from collections import Counter
from random import Random

from gemma4_operator.sim.engine import Engine
from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.member import Member
from gemma4_operator.sim.routing import Routing, router_of
from tests.unit.sim.settings import EXACT, request


def members(*outstanding: int) -> list[Member]:
    """Return replicas with so much to do."""
    ledger = Ledger([request(0.0, 100, 1000)] * sum(outstanding))
    found, index = [], 0
    for number, count in enumerate(outstanding):
        engine = Engine(EXACT, ledger, clock_seconds=0.0)
        for _ in range(count):
            engine.submit(index, ledger.requests[index], at_seconds=0.0)
            index += 1
        found.append(Member(number=number, engine=engine, since_seconds=0.0, serving_since_seconds=0.0))
    return found


def chosen(routing: Routing, of: list[Member], times: int = 1000) -> Counter[int]:
    router = router_of(routing, Random(7))
    return Counter(router(of, 0.5).number for _ in range(times))


def test_chance_knows_no_load():
    counts = chosen(Routing.RANDOM, members(0, 5, 10, 20))
    assert all(200 < counts[number] < 300 for number in range(4))


def test_the_least_loaded_gets_all_and_of_equals_the_first():
    assert chosen(Routing.LEAST, members(3, 1, 2)) == {1: 1000}
    assert chosen(Routing.LEAST, members(2, 1, 1)) == {1: 1000}


def test_of_two_that_chance_picks_the_emptier_gets_it():
    """Of four, the emptiest is among the two in half of the cases, and the fullest never wins."""
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)):
        counts = chosen(Routing.TWO_CHOICES, members(*order), 6000)
        for number, outstanding in enumerate(order):
            assert abs(counts[number] - (3 - outstanding) / 6 * 6000) < 200


def test_two_choices_of_two_are_both():
    assert chosen(Routing.TWO_CHOICES, members(4, 2)) == {1: 1000}


def test_one_replica_gets_all():
    for routing in Routing:
        assert chosen(routing, members(9), 10) == {0: 10}


def test_it_counts_what_is_outstanding_then_and_not_before():
    """The first has more to do, and has done it a little later."""
    ledger = Ledger([request(0.0, 10, 1), request(0.0, 10, 1), request(0.0, 10, 1000)])
    both = [
        Member(number=number, engine=Engine(EXACT, ledger, clock_seconds=0.0), since_seconds=0.0) for number in (0, 1)
    ]
    for index, number in ((0, 0), (1, 0), (2, 1)):
        both[number].engine.submit(index, ledger.requests[index], at_seconds=0.0)
    router = router_of(Routing.LEAST, Random(1))
    assert router(both, 0.001).number == 1
    assert router(both, 1.0).number == 0
