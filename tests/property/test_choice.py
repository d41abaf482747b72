"""Laws of the choice: it is the best there is, the same every time, and what loosens a wish never spoils it."""

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gemma4_operator.planner.ask import Ask, ask_of
from gemma4_operator.planner.candidates import Candidate, candidates, unfit
from gemma4_operator.planner.choose import Outcome, choose, consider
from gemma4_operator.planner.found import Found, worked_out
from gemma4_operator.planner.inventory import GpuClass
from gemma4_operator.planner.lost import Because, Lost
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.record import record, record_rejection, restore
from gemma4_operator.planner.relax import applied
from gemma4_operator.planner.suited import GPU_COUNTS
from gemma4_operator.planner.workable import workable
from tests.property.wishes import fleets, is_valid, specs
from tests.rendering import CATALOG, ENGINES, spec_of

LAW = settings(max_examples=40, deadline=None)
"""A choice takes milliseconds, on a busy machine more; hundreds were tried when the laws were written."""

Spec = dict[str, Any]
Fleet = tuple[GpuClass, ...]


def outcome(spec: Spec, fleet: Fleet) -> Outcome:
    return consider(spec_of(spec), catalog=CATALOG, engines=ENGINES, classes=fleet)


def chosen(spec: Spec, fleet: Fleet) -> Plan | None:
    plan = choose(spec_of(spec), catalog=CATALOG, engines=ENGINES, classes=fleet)
    return plan if isinstance(plan, Plan) else None


def all_ways(spec: Spec, fleet: Fleet) -> list[Found]:
    """Return every way that works, found without any order and without any bound."""
    ask = ask_of(spec_of(spec))
    fit = [one for one in candidates(ask, catalog=CATALOG, image=None) if unfit(one, ask) is None]
    ways = [
        worked_out(ask, candidate, one, count)
        for one in fleet
        for candidate in fit
        if may_use(ask, candidate, one)
        for count in counts(ask, candidate, one)
    ]
    return [way for way in ways if isinstance(way, Found)]


def may_use(ask: Ask, candidate: Candidate, one: GpuClass) -> bool:
    device, part = one.device, one.device.is_slice or one.device.is_shared
    return (
        (not ask.products or one.product in ask.products)
        and (ask.allow_shared or not part)
        and device.compute_capability >= candidate.needed_capability
        and device.compute_capability not in candidate.unsupported_capabilities
    )


def counts(ask: Ask, candidate: Candidate, one: GpuClass) -> list[int]:
    most = 1 if one.device.is_slice or one.device.is_shared else max(one.gpus_by_node)
    wanted = GPU_COUNTS if ask.gpus_per_replica is None else (ask.gpus_per_replica,)
    return [count for count in wanted if count <= most and candidate.heads_to_divide % count == 0]


class TestTheBest:
    @LAW
    @given(spec=specs(), fleet=fleets(most=2))
    def test_no_way_that_works_comes_before_the_one_that_is_chosen(self, spec: Spec, fleet: Fleet) -> None:
        ways = all_ways(spec, fleet)
        best = outcome(spec, fleet).result.best
        if best is None:
            assert not ways
        else:
            assert best.key == min(way.key for way in ways)

    @LAW
    @given(spec=specs(), fleet=fleets())
    def test_the_order_of_classes_is_no_matter(self, spec: Spec, fleet: Fleet) -> None:
        forth, back = outcome(spec, fleet), outcome(spec, fleet[::-1])
        assert forth.plan == back.plan
        assert [one.sentence for one in forth.lost] == [one.sentence for one in back.lost]

    @LAW
    @given(spec=specs(), fleet=fleets())
    def test_the_same_question_has_the_same_answer(self, spec: Spec, fleet: Fleet) -> None:
        assert chosen(spec, fleet) == chosen(spec, fleet)


class TestOneReasonEach:
    @LAW
    @given(spec=specs(), fleet=fleets())
    def test_each_way_that_was_not_taken_has_one_reason_and_the_one_that_was_has_none(
        self, spec: Spec, fleet: Fleet
    ) -> None:
        result = outcome(spec, fleet)
        ask = ask_of(spec_of(spec))
        told = Counter((one.checkpoint.key, one.engine, one.product) for one in result.lost)
        assert max(told.values(), default=1) == 1
        expected: set[tuple[Any, ...]] = set()
        for candidate in candidates(ask, catalog=CATALOG, image=None):
            name = (candidate.checkpoint.key, candidate.engine.engine)
            nowhere = (*name, "") in told
            expected |= {(*name, "")} if nowhere else {(*name, one.device.product) for one in fleet}
        if (best := result.result.best) is not None:
            expected.remove((best.candidate.checkpoint.key, best.candidate.engine.engine, best.gpus.device.product))
        assert set(told) == expected

    @LAW
    @given(spec=specs(), fleet=fleets(most=2), pick=st.integers(0, 1000))
    def test_without_its_reason_a_way_is_taken_or_loses_by_another(self, spec: Spec, fleet: Fleet, pick: int) -> None:
        curable = [one for one in outcome(spec, fleet).lost if one.because in CURES]
        assume(curable)
        lost = curable[pick % len(curable)]
        cured, cluster = CURES[lost.because](spec, lost), fleet
        if lost.because is Because.MEMORY:
            cluster = tuple(with_memory(one, 2**42) for one in fleet)
        assume(is_valid(cured))
        after = outcome(cured, cluster)
        same = [one for one in after.lost if named(one) == named(lost)]
        if not same:
            best = after.result.best
            assert best is not None or lost.product == ""
            return
        assert all(one.because is not lost.because for one in same), (lost.sentence, same[0].sentence)

    @LAW
    @given(spec=specs(), fleet=fleets())
    def test_every_reason_can_be_said(self, spec: Spec, fleet: Fleet) -> None:
        for one in outcome(spec, fleet).lost:
            assert one.sentence
            assert "{" not in one.sentence


def named(lost: Lost) -> tuple[Any, ...]:
    return (lost.checkpoint.key, lost.engine, lost.product)


def with_memory(one: GpuClass, memory_bytes: int) -> GpuClass:
    return replace(one, device=replace(one.device, memory_bytes=memory_bytes))


def changed(spec: Spec, field: str, value: Any) -> Spec:
    """Return the spec with one field set; None takes it away."""
    section, name = field.split(".")
    part = {key: kept for key, kept in spec.get(section, {}).items() if key != name}
    return {**spec, section: part if value is None else {**part, name: value}}


CURES = {
    Because.QUALITY: lambda spec, lost: changed(spec, "objectives.minimumQuality", "Basic"),
    Because.LICENCE: lambda spec, lost: changed(spec, "objectives.allowedLicences", None),
    Because.MODALITY: lambda spec, lost: changed(spec, "capabilities.modalities", ["Text"]),
    Because.PROJECTOR: lambda spec, lost: changed(spec, "capabilities.modalities", ["Text"]),
    Because.CONTEXT: lambda spec, lost: changed(spec, "capabilities.contextTokens", 8192),
    Because.PRODUCT: lambda spec, lost: changed(spec, "placement.gpuProducts", None),
    Because.SHARED: lambda spec, lost: changed(spec, "placement.allowSharedGPUs", True),
    Because.NODE: lambda spec, lost: changed(spec, "placement.gpusPerReplica", None),
    Because.MEMORY: lambda spec, lost: spec,
    Because.TOKEN_TIME: lambda spec, lost: changed(spec, "objectives.timePerOutputTokenMilliseconds", None),
    Because.FIRST_TOKEN: lambda spec, lost: changed(spec, "objectives.timeToFirstTokenMilliseconds", None),
    Because.BUDGET: lambda spec, lost: changed(spec, "placement.maximumGPUs", None),
    Because.STOCK: lambda spec, lost: {name: kept for name, kept in spec.items() if name != "workload"},
    Because.COST: lambda spec, lost: changed(spec, "objectives.maximumHourlyCost", None),
}
"""What takes a reason away, for all but the facts: formats, versions, kernels."""


LOOSER: dict[str, list[Any]] = {
    "objectives.minimumQuality": ["Highest", "High", "Standard", "Basic"],
    "objectives.timeToFirstTokenMilliseconds": [50, 100, 300, 1000, 5000, 60000, None],
    "objectives.timePerOutputTokenMilliseconds": [5, 10, 20, 31, 50, 100, 1000, None],
    "objectives.maximumHourlyCost": ["0.30", "0.90", "2.00", "6.00", "40.00", None],
    "placement.maximumGPUs": [1, 2, 3, 8, 40, None],
}


class TestMonotone:
    """What loosens a wish never makes it infeasible.

    Nor does it ever give a plan of a worse place in the order: for Cost that means none that is dearer, unless it has
    its GPUs at once and the cheaper had to wait for them. So where all GPUs are free, it is never dearer.
    """

    @settings(max_examples=120, deadline=None)
    @given(spec=specs(), fleet=fleets(most=2), field=st.sampled_from(sorted(LOOSER)), pick=st.data())
    def test_a_limit_that_is_loosened(self, spec: Spec, fleet: Fleet, field: str, pick: st.DataObject) -> None:
        ladder = LOOSER[field]
        place = pick.draw(st.integers(0, len(ladder) - 2))
        tight = changed(spec, field, ladder[place])
        loose = changed(spec, field, ladder[pick.draw(st.integers(place + 1, len(ladder) - 1))])
        assume(is_valid(tight) and is_valid(loose))
        assert_no_worse(tight, fleet, loose, fleet)

    @settings(max_examples=120, deadline=None)
    @given(spec=specs(), fleet=fleets(most=2), share=st.floats(0.2, 1.0), more=st.floats(1.0, 3.0))
    def test_gpus_of_more_memory(self, spec: Spec, fleet: Fleet, share: float, more: float) -> None:
        small = tuple(with_memory(one, int(one.device.memory_bytes * share)) for one in fleet)
        large = tuple(with_memory(one, int(one.device.memory_bytes * more)) for one in small)
        assert_no_worse(spec, small, spec, large)

    @LAW
    @given(spec=specs(), fleet=fleets(most=2), nodes=st.integers(1, 4))
    def test_more_nodes(self, spec: Spec, fleet: Fleet, nodes: int) -> None:
        def grown(one: GpuClass) -> GpuClass:
            new = (one.gpus_by_node[-1],) * nodes
            return replace(one, gpus_by_node=(*one.gpus_by_node, *new), free_by_node=(*one.free_by_node, *new))

        assert_no_worse(spec, fleet, spec, tuple(map(grown, fleet)))

    @LAW
    @given(spec=specs(), fleet=fleets(most=3))
    def test_another_kind_of_gpu(self, spec: Spec, fleet: Fleet) -> None:
        assert_no_worse(spec, fleet[:-1], spec, fleet)

    @LAW
    @given(spec=specs(), fleet=fleets(most=2), fewer=st.integers(2, 50))
    def test_fewer_requests(self, spec: Spec, fleet: Fleet, fewer: int) -> None:
        assume("workload" in spec)
        rate = spec["workload"]["requestsPerMinute"]
        assert_no_worse(spec, fleet, changed(spec, "workload.requestsPerMinute", max(1, rate // fewer)), fleet)


def assert_no_worse(tight: Spec, small: Fleet, loose: Spec, large: Fleet) -> None:
    before, after = outcome(tight, small).result.best, outcome(loose, large).result.best
    if before is None:
        return
    assert after is not None, "what loosens a wish made it infeasible"
    if tight.get("objectives", {}).get("optimizeFor", "Cost") == "Cost":
        assert (after.key.waits, after.hourly_cost) <= (before.key.waits, before.hourly_cost)


class TestRelaxations:
    @settings(max_examples=25, deadline=None)
    @given(spec=specs(), fleet=fleets(most=2))
    def test_what_is_told_works_and_both_judges_accept_it(self, spec: Spec, fleet: Fleet) -> None:
        rejection = outcome(spec, fleet).plan
        assume(not isinstance(rejection, Plan))
        told = workable(rejection, spec_of(spec), catalog=CATALOG, engines=ENGINES, classes=fleet).relaxations
        changes = [one for one in told if one.field.startswith("spec.")]
        alone = [one for one in changes if "together" not in one.message]
        for one in alone:
            assert is_valid(applied(spec, one))
            assert chosen(applied(spec, one), fleet) is not None, one
        if changes and not alone:
            assert len(changes) == 2
            assert chosen(applied(spec, *changes), fleet) is not None, changes


class TestRecord:
    @LAW
    @given(spec=specs(), fleet=fleets())
    def test_what_is_written_is_read_back_to_the_byte(self, spec: Spec, fleet: Fleet) -> None:
        plan = chosen(spec, fleet)
        assume(plan is not None)
        assert plan is not None
        assert restore(record(plan).to_json(), spec_of(spec)) == plan

    @LAW
    @given(spec=specs(), fleet=fleets(most=1))
    def test_a_rejection_can_be_written_too(self, spec: Spec, fleet: Fleet) -> None:
        rejection = outcome(spec, fleet).plan
        assume(not isinstance(rejection, Plan))
        status = record_rejection(rejection)
        assert status is None or restore(status.to_json(), spec_of(spec)) is None
