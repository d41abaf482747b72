"""The search: what it takes, what it leaves unopened, and what it says of everything else."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from gemma4_operator.planner.ask import ask_of
from gemma4_operator.planner.bounds import class_bounds, pair_bound, try_bound
from gemma4_operator.planner.candidates import Candidate, candidates, unfit
from gemma4_operator.planner.configure import Failure
from gemma4_operator.planner.found import Found, way, worked_out
from gemma4_operator.planner.inventory import GpuClass, pools
from gemma4_operator.planner.lost import Because, nearness, shortfall
from gemma4_operator.planner.reachable import reachable
from gemma4_operator.planner.search import Result, search
from gemma4_operator.planner.suited import counts_of
from tests.rendering import CATALOG, gpus, spec_of

H100, L40S, L4, A10 = "NVIDIA-H100-80GB-HBM3", "NVIDIA-L40S", "NVIDIA-L4", "NVIDIA-A10"


def fit_for(spec: dict[str, Any]) -> list[Candidate]:
    ask = ask_of(spec_of(spec))
    return [one for one in candidates(ask, catalog=CATALOG, image=None) if unfit(one, ask) is None]


def searched(spec: dict[str, Any], *classes: GpuClass) -> Result:
    return search(ask_of(spec_of(spec)), fit_for(spec), classes)


def taken(spec: dict[str, Any], *classes: GpuClass) -> Found:
    best = searched(spec, *classes).best
    assert best is not None
    return best


def exactly(variant: str, quantization: str, **sections: Any) -> dict[str, Any]:
    return {"model": {"variant": variant, "quantization": quantization}, **sections}


def reasons(spec: dict[str, Any], *classes: GpuClass) -> set[Because]:
    return {one.because for one in searched(spec, *classes).lost}


class TestWhatIsTaken:
    def test_the_least_count_of_gpus_that_holds_it(self) -> None:
        assert taken(exactly("31B", "BF16"), gpus(L40S)).option.shape.gpus == 2

    def test_more_gpus_where_that_is_cheaper_for_the_load(self) -> None:
        """Two GPUs together have a cache of their own size beside the weights, which two replicas pay for twice."""
        spec = exactly("31B", "FP8", workload={"requestsPerMinute": 300})
        best = taken(spec, gpus(L40S))
        alone = worked_out(ask_of(spec_of(spec)), best.candidate, best.gpus, 1)
        assert isinstance(alone, Found)
        assert best.hourly_cost <= alone.hourly_cost

    def test_no_candidates_is_no_way_and_nothing_lost(self) -> None:
        result = search(ask_of(spec_of({})), [], [gpus(H100)])
        assert (result.best, result.lost, result.nearest(5)) == (None, (), [])

    def test_no_gpus_is_no_way(self) -> None:
        result = searched({})
        assert (result.best, result.lost) == (None, ())


class TestReasons:
    @pytest.mark.parametrize(
        ("spec", "product", "because"),
        [
            ({"placement": {"gpuProducts": [H100]}}, L4, Because.PRODUCT),
            (exactly("31B", "FP8"), A10, Because.HARDWARE),
            (exactly("31B", "BF16", placement={"gpusPerReplica": 16}), H100, Because.NODE),
            (exactly("31B", "BF16", placement={"gpusPerReplica": 1}), L4, Because.MEMORY),
            (exactly("31B", "FP8", objectives={"timePerOutputTokenMilliseconds": 5}), L40S, Because.TOKEN_TIME),
            (exactly("31B", "FP8", objectives={"timeToFirstTokenMilliseconds": 10}), L40S, Because.FIRST_TOKEN),
            (
                exactly("31B", "FP8", workload={"requestsPerMinute": 9000}, placement={"maximumGPUs": 2}),
                H100,
                Because.BUDGET,
            ),
            (exactly("31B", "FP8", workload={"requestsPerMinute": 900000}), H100, Because.STOCK),
            (exactly("31B", "FP8", objectives={"maximumHourlyCost": "0.01"}), H100, Because.COST),
        ],
    )
    def test_each_is_told_where_it_is_the_one(self, spec: dict[str, Any], product: str, because: Because) -> None:
        result = searched(spec, gpus(product))
        assert result.best is None
        assert {one.because for one in result.lost} == {because}
        assert "{" not in result.lost[0].sentence

    def test_a_slice_needs_leave(self) -> None:
        slice_of_one = gpus(H100)
        slice_of_one = replace(slice_of_one, device=replace(slice_of_one.device, is_slice=True))
        assert reasons({}, slice_of_one) == {Because.SHARED}
        assert taken({"placement": {"allowSharedGPUs": True}}, slice_of_one).option.shape.gpus == 1

    def test_of_several_counts_the_one_that_got_furthest_speaks(self) -> None:
        """One and two H100 are too slow for it, eight would do and cost too much."""
        spec = exactly("31B", "BF16", objectives={"timePerOutputTokenMilliseconds": 12, "maximumHourlyCost": "5"})
        (lost,) = searched(spec, gpus(H100)).lost
        assert lost.because is Because.COST
        assert lost.gpus > 1

    def test_of_several_counts_that_failed_alike_the_one_that_lacks_least_speaks(self) -> None:
        """Three replicas of one H100 cost more than one of two."""
        load = {"requestsPerMinute": 120, "inputTokens": 3000, "outputTokens": 400}
        limits = {"timePerOutputTokenMilliseconds": 60, "maximumHourlyCost": "4.00"}
        (lost,) = searched(exactly("31B", "BF16", workload=load, objectives=limits), gpus(H100)).lost
        (alone,) = searched(
            exactly("31B", "BF16", workload=load, objectives=limits, placement={"gpusPerReplica": 1}), gpus(H100)
        ).lost
        assert lost.because is alone.because is Because.COST
        assert lost.gpus == 2
        assert shortfall(lost.because, lost.figures) < shortfall(alone.because, alone.figures)

    def test_what_only_ranked_lower_says_by_what(self) -> None:
        result = searched(exactly("31B", "FP8"), gpus(L40S), gpus(H100))
        (lost,) = result.lost
        assert result.best is not None
        assert lost.product == H100
        assert lost.sentence == f"costs {lost.hourly_cost:.2f} an hour, and the plan {result.best.hourly_cost:.2f}"


class TestNearest:
    FLEET = (gpus(A10), gpus(L4), gpus(L40S), gpus(H100))

    @pytest.mark.parametrize(
        "spec",
        [
            {},
            {"workload": {"requestsPerMinute": 100}},
            exactly("31B", "BF16"),
            exactly("31B", "BF16", objectives={"maximumHourlyCost": "0.01"}),
        ],
    )
    def test_they_are_as_near_as_the_first_of_all(self, spec: dict[str, Any]) -> None:
        nearest = searched(spec, *self.FLEET).nearest(5)
        everything = sorted(searched(spec, *self.FLEET).lost, key=nearness)
        assert list(map(nearness, nearest)) == list(map(nearness, everything[:5]))

    def test_of_ways_that_cost_the_same_the_one_that_would_be_taken_next_is_the_nearest(self) -> None:
        """All on one GPU cost the same, and the first of the catalogue is not the nearest rival for that."""
        result = searched({}, gpus(L4))
        first = min(result.lost, key=nearness)
        assert result.best is not None
        rest = [one for one in fit_for({}) if one.checkpoint is not result.best.candidate.checkpoint]
        second = search(ask_of(spec_of({})), rest, [gpus(L4)])
        assert second.best is not None
        assert first.checkpoint is second.best.candidate.checkpoint

    LIMITED: ClassVar[dict[Because, dict[str, Any]]] = {
        Because.COST: {"objectives": {"maximumHourlyCost": "0.30"}},
        Because.BUDGET: {"workload": {"requestsPerMinute": 9000}, "placement": {"maximumGPUs": 1}},
        Because.STOCK: {"workload": {"requestsPerMinute": 900000}},
        Because.MEMORY: exactly("31B", "BF16", placement={"gpusPerReplica": 1}),
        Because.TOKEN_TIME: {"objectives": {"timePerOutputTokenMilliseconds": 1}},
        Because.FIRST_TOKEN: {"objectives": {"timeToFirstTokenMilliseconds": 1}},
    }

    @pytest.mark.parametrize("because", LIMITED)
    def test_of_ways_that_failed_alike_the_one_that_lacks_least_is_the_nearest(self, because: Because) -> None:
        fleet = self.FLEET[:2] if because is Because.MEMORY else self.FLEET
        result = searched(self.LIMITED[because], *fleet)
        first, *_ = result.nearest(5)
        alike = [one for one in result.lost if one.because is because]
        assert (result.best, first.because) == (None, because)
        assert shortfall(because, first.figures) == min(shortfall(because, one.figures) for one in alike)

    def test_the_limit_that_lets_the_nearest_in_is_the_lowest_that_helps(self) -> None:
        spec: dict[str, Any] = {"objectives": {"maximumHourlyCost": "0.30"}}
        cost = dict(searched(spec, *self.FLEET).nearest(1)[0].figures)["cost"]
        assert taken({"objectives": {"maximumHourlyCost": cost}}, *self.FLEET).hourly_cost == Decimal(str(cost))
        less = str(Decimal(str(cost)) - Decimal("0.01"))
        assert searched({"objectives": {"maximumHourlyCost": less}}, *self.FLEET).best is None

    @pytest.mark.parametrize("objective", ["Quality", "Latency", "Throughput"])
    def test_whatever_is_optimized_for_they_are_worked_out(self, objective: str) -> None:
        result = searched({"objectives": {"optimizeFor": objective}}, *self.FLEET)
        nearest = result.nearest(5)
        assert len(nearest) == 5
        assert {one.because for one in nearest} == {Because.RANKED}
        assert all("at least" not in one.sentence for one in nearest)

    def test_what_would_be_cheaper_if_its_gpus_were_free_is_among_them(self) -> None:
        busy = gpus("NVIDIA-A100-SXM4-40GB")
        busy = replace(busy, free_by_node=(0,) * len(busy.free_by_node))
        result = searched({}, busy, gpus(L40S))
        assert result.best is not None
        assert result.best.gpus.device.product == L40S
        first = result.nearest(5)[0]
        assert first.sentence == "has no free GPUs now, and the plan has"
        assert first.hourly_cost is not None
        assert first.hourly_cost < result.best.hourly_cost


class TestBounds:
    """What the heap relies on: a closer look never finds a better place than a bound has promised."""

    WISHES = (
        {},
        {"replicas": 3},
        {"workload": {"requestsPerMinute": 2000}},
        {"workload": {"requestsPerMinute": 300, "inputTokens": 6000, "outputTokens": 1}},
        {"objectives": {"optimizeFor": "Latency"}},
        {"objectives": {"optimizeFor": "Quality"}, "workload": {"requestsPerMinute": 60}},
        {"objectives": {"optimizeFor": "Throughput"}, "workload": {"requestsPerMinute": 60}},
    )

    @pytest.mark.parametrize("wish", WISHES)
    def test_each_is_below_the_next_on_every_gpu_of_the_catalogue(self, wish: dict[str, Any]) -> None:
        spec = {"objectives": {"minimumQuality": "Basic"}} | wish
        ask, fit = ask_of(spec_of(spec)), fit_for(spec)
        works = 0
        classes = pools(CATALOG)
        for gpus_class, lowest in zip(classes, class_bounds(ask, fit, classes), strict=True):
            for candidate in fit[::4]:
                counts = counts_of(ask, candidate, gpus_class)
                for count in () if isinstance(counts, Failure) else counts:
                    pair = pair_bound(ask, candidate, gpus_class, count=count)
                    price = count * gpus_class.device.hourly_price
                    reach = reachable(ask, way(candidate, gpus_class.device, count))
                    tried = try_bound(ask, pair, reach, hourly_price=price)
                    assert lowest <= pair <= tried
                    if count != counts[0]:
                        continue
                    found = worked_out(ask, candidate, gpus_class, count)
                    if isinstance(found, Found):
                        works += 1
                        assert tried <= found.key
                        assert reach.replicas <= found.option.replicas or ask.load is None
        assert works > 20
