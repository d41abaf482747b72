"""The grid asks for what is worth most first, and ends."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import pytest

from gemma4_operator.sim.peers.knobs import parted
from gemma4_operator.sim.rules import make
from gemma4_operator.sim.workloads import HELD_OUT
from tests.bench.scaling.book import Book
from tests.bench.scaling.choice import OURS
from tests.bench.scaling.grid import DESIGNED, HELD, PARTS, PEERS, SHORT, TROUBLE, chosen, leading, missing
from tests.bench.scaling.run import Run
from tests.unit.bench.scaling.made import kept
from tests.unit.sim.settings import SETTING


def attained(run: Run) -> float:
    """Return a world of its own: fixed counts and clairvoyance do, and of the others every second setting."""
    if run.policy.startswith(("static", "clairvoyant", "gemma4")):
        return 99.5
    return 99.2 if sum(map(ord, run.policy)) % 2 else 98.0


@dataclass
class Everything:
    """The grid, played: in which order, and what was the setting of a rule when it met what was held back."""

    book: Book = field(default_factory=Book)
    order: list[Run] = field(default_factory=list)
    held: dict[Run, str | None] = field(default_factory=dict)


@pytest.fixture(scope="module")
def everything() -> Everything:
    found = Everything()
    for _ in range(200):
        batch = list(islice(missing(found.book), 25))
        if not batch:
            return found
        found.held |= {run: chosen(found.book, parted(run.policy)[0]) for run in batch if run.workload in HELD_OUT}
        for run in batch:
            found.order.append(run)
            found.book.add(run, kept(attained(run), 5.0 + len(run.policy) / 10))
    raise AssertionError("the grid does not end")


def test_it_ends_and_asks_for_nothing_twice(everything: Everything):
    book, order = everything.book, everything.order
    assert len(set(order)) == len(order) == len(book)


def test_the_reference_comes_first(everything: Everything):
    order = everything.order
    assert {run.policy for run in order[: len(DESIGNED)]} == {"clairvoyant"}


def test_every_policy_that_it_asks_for_can_be_made(everything: Everything):
    for text in {run.policy for run in everything.order}:
        assert make(text, setting=SETTING, trace=())


def test_our_rule_comes_after_the_others_have_found_their_settings(everything: Everything):
    order = everything.order
    first = next(place for place, run in enumerate(order) if run.policy == "gemma4")
    before = Book({run: kept(attained(run)) for run in order[:first]})
    assert all(chosen(before, name) for name in PEERS)


def test_what_is_held_back_is_played_with_settings_that_the_other_traffic_chose(everything: Everything):
    assert {run.workload for run in everything.held} == set(HELD)
    assert all(run.policy == policy for run, policy in everything.held.items())


def test_what_is_held_back_is_shown_with_the_setting_that_is_chosen_in_the_end(everything: Everything):
    book = everything.book
    for name in (*PEERS, "gemma4", "clairvoyant"):
        policy = chosen(book, name)
        assert policy
        assert all(book.kept(Run(workload=workload, policy=policy)) for workload in HELD)


def test_what_is_held_back_waits_until_settings_are_chosen():
    asked = list(missing(Book()))
    assert {run.policy for run in asked if run.workload in HELD_OUT} <= {"clairvoyant", "gemma4"}


@pytest.mark.parametrize("name", [name for name in PEERS if name != "static"])
def test_defaults_are_played_everywhere(everything: Everything, name: str):
    book = everything.book
    assert all(book.kept(Run(workload=workload, policy=name)) for workload in DESIGNED)


def test_all_that_may_go_wrong_is_played_everywhere_and_measured(everything: Everything):
    book = everything.book
    for _, policy, base in TROUBLE:
        for workload in DESIGNED:
            assert book.kept(replace(base, workload=workload, policy=policy))
            reference = Run(workload=workload, policy="clairvoyant", boot_seconds=base.boot_seconds, seed=base.seed)
            assert book.kept(reference)
    assert len({(policy, base) for _, policy, base in TROUBLE}) == len(TROUBLE)


def test_each_part_of_ours_is_left_out_once(everything: Everything):
    book = everything.book
    for part in PARTS:
        assert book.kept(Run(workload="conv8", policy=f"gemma4:{part}=false"))


@pytest.mark.parametrize(
    "part", [{"routing": "random"}, {"routing": "least"}, {"has_gateway": True}, {"max_batched_tokens": 8192}]
)
def test_every_rule_is_played_in_other_circumstances(everything: Everything, part: dict[str, object]):
    (key, value), *_ = part.items()
    found = [run for run in everything.order if getattr(run, key) == value]
    assert {parted(run.policy)[0] for run in found} == {OURS, *PEERS}
    for name in (OURS, *PEERS):
        assert {run.workload for run in found if parted(run.policy)[0] == name} == set(DESIGNED)


def test_only_some_can_be_asked_for():
    def found(book: Book) -> Iterator[Run]:
        return missing(book, is_wanted=lambda stage, run: stage == "reference" and run.workload == "ramp")

    assert list(found(Book())) == [Run(workload="ramp", policy="clairvoyant")]


def test_no_run_is_asked_for_twice_at_once():
    asked = list(missing(Book()))
    assert len(set(asked)) == len(asked)


class TestChosen:
    """A rule has its setting once nothing cheaper is left to try."""

    @staticmethod
    def played(*policies: str, attainment_percent: float = 99.5) -> Book:
        rows = {Run(workload=workload, policy="clairvoyant"): kept() for workload in DESIGNED}
        for policy in policies:
            rows |= {Run(workload=workload, policy=policy): kept(attainment_percent) for workload in DESIGNED}
        return Book(rows)

    def test_ours_has_the_one_that_is_shipped(self):
        assert chosen(Book(), "gemma4") == "gemma4"

    def test_one_that_passes_is_not_chosen_while_cheaper_ones_are_untried(self):
        book = self.played("static:replicas=9")
        assert chosen(book, "static") is None
        assert leading(book, "static") is None

    def test_with_the_next_cheaper_one_failing_it_is(self):
        book = self.played("static:replicas=9")
        for workload in SHORT:
            book.add(Run(workload=workload, policy="static:replicas=8"), kept(98.0))
        assert chosen(book, "static") == "static:replicas=9"

    def test_one_that_is_not_played_everywhere_leads_and_is_not_chosen(self):
        book = self.played("static:replicas=9").only(lambda run, _: run.workload in SHORT)
        for workload in SHORT:
            book.add(Run(workload=workload, policy="static:replicas=8"), kept(98.0))
        assert chosen(book, "static") is None
        assert leading(book, "static") == "static:replicas=9"
