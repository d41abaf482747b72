"""Runs over time: each line says what the run did, on scales that all drawings share."""

from gemma4_operator.sim.report.overtime import LEFT, RIGHT, Drawing
from gemma4_operator.sim.result import Minute, Result
from tests.unit.sim.report.runs import ABOUT, about, minute, result

QUIET = result()


def drawing(*results: Result, reference: Result = QUIET) -> Drawing:
    return Drawing(ABOUT, results, reference=reference)


def run(change: dict[int, dict[str, int]]) -> Result:
    return result(minutes=[minute(number, **change.get(number, {})) for number in range(20)])


def test_time_goes_from_edge_to_edge():
    stage = drawing(QUIET).stage()
    assert (stage.times[0].at, stage.times[-1].at) == (LEFT, RIGHT)
    assert (stage.times[0].label, stage.times[-1].label, stage.unit) == ("0", "20", "minutes")


def test_demand_is_the_rate_of_what_came():
    busy = result(minutes=[minute(number, arrived=120 if number >= 10 else 60) for number in range(20)])
    stage = drawing(busy, reference=busy).stage()
    part = stage.parts[0]
    middle, half = (LEFT + RIGHT) / 2, (part.top + part.bottom) / 2
    assert stage.demand == f"M{LEFT} {half:g}H{middle:g}V{part.top:g}H{RIGHT}V{part.bottom:g}H{LEFT}Z"


def test_wanted_runs_ahead_of_serving():
    later = run({10: {"wanted": 2}} | {number: {"wanted": 2, "serving": 2} for number in range(11, 20)})
    found = drawing(later).multiple(later)
    width = (RIGHT - LEFT) / 20
    assert f"H{LEFT + 10 * width:g}V" in found.wanted
    assert f"H{LEFT + 11 * width:.1f}V" in found.serving


def test_what_keeps_the_objective_leaves_no_mark():
    assert drawing(QUIET).multiple(QUIET).short == ""


def test_five_minutes_below_it_are_marked():
    bad = run({number: {"kept": 30} for number in range(5, 10)})
    found = drawing(bad).multiple(bad)
    quarter = (RIGHT - LEFT) / 4
    assert found.short.startswith(f"M{LEFT + quarter:g} ")
    assert f"H{LEFT + 2 * quarter:g}V" in found.short
    assert found.short.count("M") == 1


def test_all_have_the_scale_of_the_largest():
    big = run({number: {"wanted": 2, "serving": 2} for number in range(20)})
    alone, beside = drawing(QUIET).multiple(QUIET), drawing(QUIET, big).multiple(QUIET)
    assert alone.serving != beside.serving


def test_one_that_takes_far_more_than_is_needed_leaves_the_scale_and_that_is_told():
    mad = run({7: {"wanted": 40, "serving": 40}})
    board = drawing(QUIET, mad)
    assert board.multiple(mad).beyond == 40
    assert board.multiple(QUIET).beyond is None
    top = board.stage().parts[1].top
    assert f"V{top:g}H" in board.multiple(mad).wanted, "it is cut at the upper edge"


def test_the_objective_has_its_line_between_the_steps_of_its_scale():
    for objective in (90.0, 95.0, 99.9):
        board = Drawing(about(objective_percent=objective), [QUIET], reference=QUIET).stage()
        part = board.parts[2]
        assert part.top < board.objective < part.bottom


def test_a_run_of_one_moment_has_nothing_over_time():
    moment = result(minutes=[Minute(start_seconds=0.0, wanted=1, serving=1, replicas=1.0, arrived=1, kept=1)])
    board = Drawing(about(duration_seconds=0.0), [moment], reference=moment)
    assert board.stage().demand == board.multiple(moment).serving == ""
