"""A rule is judged by its cheapest setting that keeps the promise."""

from dataclasses import replace

import pytest

from gemma4_operator.sim.routing import Routing
from tests.bench.scaling.book import Book
from tests.bench.scaling.choice import ANY, judged, own, settings_of, single
from tests.bench.scaling.grid import DESIGNED
from tests.bench.scaling.run import Run
from tests.unit.bench.scaling.made import REFERENCE, book, everywhere, kept


class TestSingle:
    def test_it_is_the_cheapest_that_passes_everywhere(self):
        found = book(
            REFERENCE
            | everywhere("hpa:target=40", (99.9, 6.0), conv8=(98.9, 6.0))
            | everywhere("hpa:target=30", (99.5, 7.0))
            | everywhere("hpa:target=25", (99.9, 8.0))
        )
        best = single(found, "hpa", DESIGNED)
        assert best is not None
        assert (best.policy, best.passes, best.ratio) == ("hpa:target=30", True, pytest.approx(1.4))

    def test_a_cheaper_one_that_is_not_played_everywhere_is_no_candidate(self):
        rows = everywhere("hpa:target=40", (99.9, 6.0))
        del rows[DESIGNED[0], "hpa:target=40"]
        found = book(REFERENCE | rows | everywhere("hpa:target=30", (99.5, 7.0)))
        best = single(found, "hpa", DESIGNED)
        assert best is not None
        assert best.policy == "hpa:target=30"

    def test_where_none_passes_everywhere_it_is_one_that_passes_on_most(self):
        found = book(
            REFERENCE
            | everywhere("hpa:target=40", (99.9, 6.0), conv8=(90, 6.0), ramp=(90, 6.0))
            | everywhere("hpa:target=30", (99.5, 7.0), azure_code_bursts=(75, 27.0))
            | everywhere("hpa:target=25", (99.9, 8.0), azure_code_bursts=(75, 27.0))
        )
        best = single(found, "hpa", DESIGNED)
        assert best is not None
        assert (best.policy, best.passed, best.passes) == ("hpa:target=30", 4, False)

    def test_cost_counts_relative_to_each_workload(self):
        reference = everywhere("clairvoyant", (99.5, 1.0), conv8=(99.5, 100.0))
        found = book(
            reference
            | everywhere("hpa:target=40", (99.5, 1.0), conv8=(99.5, 150.0))
            | everywhere("hpa:target=30", (99.5, 2.0), conv8=(99.5, 110.0))
        )
        best = single(found, "hpa", DESIGNED)
        assert best is not None
        assert (best.policy, best.ratio) == ("hpa:target=40", pytest.approx(1.1))

    def test_nothing_played_is_nothing_chosen(self):
        assert single(book(REFERENCE), "hpa", DESIGNED) is None

    def test_ours_has_the_setting_that_is_shipped(self):
        found = book(REFERENCE | everywhere("gemma4:share=0.7", (99.9, 4.0)) | everywhere("gemma4", (99.5, 5.0)))
        best = single(found, "gemma4", DESIGNED)
        assert best is not None
        assert best.policy == "gemma4"
        assert settings_of("gemma4") == ("gemma4",)

    def test_defaults_may_be_the_best(self):
        found = book(REFERENCE | everywhere("llmd", (99.5, 5.0)) | everywhere("llmd:up=0.7,down=0.509", (99.5, 6.0)))
        best = single(found, "llmd", DESIGNED)
        assert best is not None
        assert best.policy == "llmd"


class TestOwn:
    def test_it_is_the_cheapest_that_passes_there(self):
        found = book(
            REFERENCE
            | {
                ("ramp", "hpa:target=40"): (98.0, 6.0),
                ("ramp", "hpa:target=30"): (99.1, 7.0),
                ("ramp", "hpa:target=25"): (99.9, 8.0),
            }
        )
        best = own(found, "hpa", "ramp")
        assert best is not None
        assert best.policy == "hpa:target=30"

    def test_where_none_passes_it_is_the_one_that_keeps_most(self):
        rows = {("ramp", "hpa:target=40"): (70.0, 6.0), ("ramp", "hpa:target=30"): (75.0, 27.0)}
        best = own(book(REFERENCE | rows), "hpa", "ramp")
        assert best is not None
        assert best.policy == "hpa:target=30"
        assert own(book(REFERENCE | rows), "hpa", "conv8") is None


class TestReference:
    def test_without_it_nothing_is_judged(self):
        assert judged(book(everywhere("hpa", (99.5, 7.0))), "hpa", DESIGNED) is None

    def test_routing_and_queue_are_measured_by_the_usual_one(self):
        base = replace(ANY, routing=Routing.RANDOM, has_gateway=True, max_batched_tokens=8192)
        rows = {
            Run(workload="ramp", policy="clairvoyant"): kept(99.5, 5.0),
            replace(base, workload="ramp", policy="clairvoyant"): kept(99.5, 50.0),
            replace(base, workload="ramp", policy="hpa"): kept(99.5, 10.0),
        }
        found = judged(Book(rows), "hpa", ("ramp",), base=base)
        assert found is not None
        assert found.ratio == 2.0

    @pytest.mark.parametrize("base", [replace(ANY, boot_seconds=240), replace(ANY, seed=2)])
    def test_another_boot_and_another_traffic_have_their_own(self, base: Run):
        rows = {
            Run(workload="ramp", policy="clairvoyant"): kept(99.5, 5.0),
            replace(base, workload="ramp", policy="hpa"): kept(99.5, 10.0),
        }
        assert judged(Book(rows), "hpa", ("ramp",), base=base) is None
        rows[replace(base, workload="ramp", policy="clairvoyant")] = kept(99.5, 8.0)
        found = judged(Book(rows), "hpa", ("ramp",), base=base)
        assert found is not None
        assert found.ratio == 1.25
