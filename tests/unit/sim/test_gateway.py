"""The deadline queue: what it holds, what it gives away, and in which order."""

from random import Random

from gemma4_operator.sim.engine import Engine
from gemma4_operator.sim.front import Service
from gemma4_operator.sim.gateway import Gateway
from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.member import Member
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.routing import Routing, router_of
from gemma4_operator.sim.run import Circumstances
from gemma4_operator.sim.setting import Objectives
from gemma4_operator.sim.world import play
from tests.unit.sim.settings import Script, circumstances, model, request, setting

TOKEN_SECONDS = 2.0**-14 + 2.0**-6 / 256
"""What a prompt's token takes in the gateway's eyes."""


class Scene:
    """A gateway before some replicas."""

    def __init__(self, requests: list[Request], replicas: int = 1, **engine: int) -> None:
        self.ledger = Ledger(requests)
        place = setting(engine=model(**engine))
        self.gateway = Gateway(self.ledger, router_of(Routing.LEAST, Random(1)), place)
        self.members = [
            Member(number=number, engine=Engine(place.engine, self.ledger, clock_seconds=0.0), since_seconds=0.0)
            for number in range(replicas)
        ]

    def take_all(self, now: float) -> None:
        for index in range(len(self.ledger.requests)):
            self.gateway.take(index)
        self.gateway.dispatch(self.members, now)

    def given(self) -> int:
        return sum(member.engine.running + member.engine.waiting for member in self.members)


def test_a_replica_gets_no_more_than_it_begins_soon():
    """A prompt of 1,000 tokens is 0.122 s of reading: after four of them, 0.4 s are more than full."""
    scene = Scene([request(0.0, 1000, 1)] * 10)
    scene.take_all(0.0)
    assert (scene.given(), scene.gateway.waiting) == (4, 6)
    assert 3 * 1000 * TOKEN_SECONDS < 0.4 < 4 * 1000 * TOKEN_SECONDS


def test_a_new_replica_helps_at_once_with_all_that_waits():
    scene = Scene([request(0.0, 1000, 1)] * 10)
    scene.take_all(0.0)
    scene.members.append(Member(number=1, engine=Engine(model(), scene.ledger, clock_seconds=0.0), since_seconds=0.0))
    scene.gateway.dispatch(scene.members, 0.0)
    assert (scene.given(), scene.gateway.waiting) == (8, 2)


def test_nothing_is_given_where_the_cache_has_no_room_for_it():
    scene = Scene([request(0.0, 100, 1)] * 4, cache_tokens=250)
    scene.take_all(0.0)
    assert (scene.given(), scene.gateway.waiting) == (2, 2)


def test_an_idle_replica_gets_what_no_replica_can_hold_and_refuses_it():
    scene = Scene([request(0.0, 300, 1)], cache_tokens=250)
    scene.take_all(0.0)
    assert scene.gateway.waiting == 0
    assert scene.ledger.lost == {0}


def test_without_replicas_all_is_held():
    scene = Scene([request()] * 3, replicas=0)
    scene.take_all(0.0)
    assert scene.gateway.waiting == 3


def first_given(requests: list[Request], now: float, count: int) -> list[int]:
    """Return which requests an engine got first, one dispatch at a time."""
    scene = Scene(requests, max_sequences=1)
    for index in range(len(requests)):
        scene.gateway.take(index)
    order: list[int] = []
    while len(order) < count:
        scene.members = [Member(number=0, engine=Engine(model(), scene.ledger, clock_seconds=now), since_seconds=0.0)]
        scene.gateway.dispatch(scene.members, now)
        scene.members[0].engine.advance(now + 60)
        fresh = [index for index, at in enumerate(scene.ledger.first_seconds) if at < 1e9 and index not in order]
        order += sorted(fresh, key=lambda index: scene.ledger.first_seconds[index])
    return order[:count]


def test_who_can_still_be_in_time_goes_first_in_order_of_arrival():
    late, fresh = [request(0.0, 4000, 1)] * 3, [request(9.0 + number / 10, 4000, 1) for number in range(5)]
    assert first_given([*late, *fresh], now=10.0, count=5) == [3, 4, 5, 6, 7]


def test_late_ones_get_a_tenth_while_others_wait():
    late, fresh = [request(0.0, 4000, 1)] * 5, [request(9.9, 4000, 1)] * 40
    order = first_given([*late, *fresh], now=10.0, count=40)
    assert [index < 5 for index in order].count(True) == 4
    assert [place for place, index in enumerate(order) if index < 5] == [9, 19, 29, 39]


def test_what_went_before_any_was_late_counts_for_none():
    """Twenty are given away while nobody is late; then, of a late one and one that is not, the late one still waits."""
    scene = Scene([request(10.0, 10, 1)] * 20 + [request(0.0, 10, 1), request(10.0, 4000, 1)])
    for index in range(20):
        scene.gateway.take(index)
    scene.gateway.dispatch(scene.members, 10.0)
    assert scene.gateway.waiting == 0
    scene.members[0].engine.advance(11.0)
    for index in (20, 21):
        scene.gateway.take(index)
    scene.gateway.dispatch(scene.members, 11.0)
    assert (scene.gateway.waiting, scene.members[0].engine.queued_prompt_tokens) == (1, 4000)


def test_late_ones_get_all_when_nobody_else_waits():
    assert first_given([request(0.0, 4000, 1)] * 3, now=10.0, count=3) == [0, 1, 2]


def test_one_is_late_as_soon_as_its_reading_would_end_after_its_deadline():
    reading = 4000 * TOKEN_SECONDS
    for spare, order in ((0.01, [0, 1]), (-0.01, [1, 0])):
        requests = [request(10.0 + reading - 2.0 + spare, 4000, 1), request(10.0, 4000, 1)]
        assert first_given(requests, now=10.0, count=2) == order


class TestPlainService:
    def test_it_gives_all_away_at_once(self):
        ledger = Ledger([request(0.0, 1000, 1)] * 10)
        service = Service(ledger, router_of(Routing.LEAST, Random(1)))
        member = Member(number=0, engine=Engine(model(), ledger, clock_seconds=0.0), since_seconds=0.0)
        for index in range(10):
            service.take(index)
        service.dispatch([member], 0.0)
        assert (member.engine.waiting, service.waiting) == (10, 0)

    def test_while_nothing_serves_requests_wait(self):
        service = Service(Ledger([request()] * 3), router_of(Routing.RANDOM, Random(1)))
        service.take(0)
        service.dispatch([], 0.0)
        assert service.waiting == 1


def test_what_is_held_is_given_away_as_soon_as_there_is_room_though_nothing_else_happens():
    """Ten prompts of 0.122 s each come at once and nothing after them, not even a turn of the rule."""
    requests = [request(0.0, 1000, 1)] * 10
    script = Script((0.0, 1), interval_seconds=1000.0)
    played = play(requests, script, circumstances=circumstances(has_gateway=True))
    assert max(played.ledger.finish_seconds) < 10 * 1000 * TOKEN_SECONDS + 0.1


def overload(has_gateway: bool) -> tuple[int, Circumstances, Ledger]:
    """Half a minute with a little more than one replica can read, with long calm before and after."""
    rush = [request(10 + number / 40, 250, 1) for number in range(1200)]
    calm = [request(60.0 + number, 250, 1) for number in range(60)]
    relaxed = Objectives(first_token_seconds=1.0, token_seconds=1.0, attainment=0.99)
    where = circumstances(has_gateway=has_gateway, setting=setting(objectives=relaxed))
    played = play([*rush, *calm], Script((0.0, 1)), circumstances=where)
    kept = sum(
        played.ledger.is_kept(index, relaxed, end_seconds=played.end_seconds) for index in range(len(rush) + len(calm))
    )
    return kept, where, played.ledger


def test_in_overload_it_saves_those_that_can_be_saved():
    with_gateway, without = overload(True)[0], overload(False)[0]
    assert with_gateway > 1.3 * without


def test_and_every_request_is_answered_in_the_end():
    for has_gateway in (True, False):
        _, _, ledger = overload(has_gateway)
        assert not ledger.lost
        assert max(ledger.finish_seconds) < 400
