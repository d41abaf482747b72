"""The tables: what the drawings show, in figures."""

from gemma4_operator.sim.report import tables
from gemma4_operator.sim.report.shown import Shown
from tests.unit.sim.report.runs import ABOUT, about, minute, result, shown

KNOWN = Shown(policy="clairvoyant", result=result(100.0, 2.0))


def test_policies_are_grouped_by_what_becomes_of_the_objective():
    groups = tables.policies(
        [shown("a", 99.5, 3.0), shown("b", 90.0, 1.0), shown("c", 100.0, 2.5)], ABOUT, reference=KNOWN
    )
    assert [(group.title, [row[0] for row in group.rows]) for group in groups] == [
        ("Keep 99 %, the cheapest first", ["c", "a"]),
        ("Miss 99 %, the nearest first", ["b"]),
        ("For comparison: knows what will come", ["clairvoyant"]),
    ]


def test_a_group_of_nobody_is_not_there():
    titles = [group.title for group in tables.policies([shown("a", 99.5, 3.0)], ABOUT, reference=KNOWN)]
    assert [title.split()[0] for title in titles] == ["Keep", "For"]


def test_the_reference_is_there_once_and_its_other_settings_beside_it():
    policies = [KNOWN, shown("clairvoyant:times=1.2", 100.0, 3.0)]
    (group,) = tables.policies(policies, ABOUT, reference=KNOWN)
    assert [row[0] for row in group.rows] == ["clairvoyant", "clairvoyant:times=1.2"]


def test_a_row_has_all_figures():
    one = shown("a", 98.996, 3.0, peak_replicas=7, scale_events_per_hour=2.34, worst_five_minute_percent=61.239)
    row = tables.policies([one], ABOUT, reference=KNOWN)[0].rows[0]
    assert dict(zip(tables.POLICY_HEAD, row, strict=True)) == {
        "Policy": "a",
        "Attainment": "98.99 %",
        "Replicas, average": "3.00",
        "Times clairvoyant": "1.50",
        "Replicas, peak": "7",
        "Changes per hour": "2.3",
        "Worst five minutes": "61.23 %",
        "Objective": "misses by 0.01 points, mostly late first tokens",
    }


def test_the_frontier_says_who_beats_whom():
    policies = [shown("a", 99.5, 3.0), shown("b", 99.0, 4.0), KNOWN]
    assert tables.frontier_rows(policies) == (
        ("clairvoyant", "2.00", "100.00 %", "not compared"),
        ("a", "3.00", "99.50 %", "nobody"),
        ("b", "4.00", "99.00 %", "a"),
    )


def test_time_is_told_in_rows_of_round_lengths():
    minutes = [
        minute(number, arrived=0 if number < 5 else 90, kept=0 if number < 5 else 81, wanted=number // 5, serving=1)
        for number in range(120)
    ]
    rows = tables.over_time(result(minutes=minutes), about(duration_seconds=7200.0), reference=result(minutes=minutes))
    assert len(rows) == 24
    assert rows[0] == ("0:00", "0", "1.0", "0", "1", "1.0", "no requests")
    assert rows[1] == ("0:05", "1.5", "1.0", "1", "1", "1.0", "90.00 %")
    assert rows[-1][0] == "1:55"


def test_a_year_has_no_more_of_them():
    minutes = [minute(number) for number in range(366 * 24 * 60)]
    run = result(minutes=minutes)
    rows = tables.over_time(run, about(duration_seconds=366 * 86400.0), reference=run)
    assert len(rows) <= 24
