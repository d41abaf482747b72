"""`gemma4 plan --compare`: what a change of Gemma4Deployments would do, as keys for scripts and as a comment."""

import io
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from gemma4_operator.cli import inputs
from gemma4_operator.cli.compare_report import code, report
from gemma4_operator.cli.main import main
from tests.unit.cli.calls import MIXED, UNPAYABLE, deployment, told

SMALL = {"model": {"variant": "E2B", "quantization": "BF16"}}
LARGE = {"model": {"variant": "31B", "quantization": "FP8"}}


@pytest.fixture
def files(tmp_path: Path) -> Any:
    """Write what was before and what will be, and return the arguments that compare them."""

    def write(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
        for name, objects in (("before", before), ("after", after)):
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump_all(objects))
        old, new = (str(tmp_path / f"{name}.yaml") for name in ("before", "after"))
        return ["plan", "-f", new, "--compare", old, "--inventory", MIXED]

    return write


def test_the_keys_that_scripts_read(files: Any, capsys: pytest.CaptureFixture[str]):
    result = told(files([deployment(spec=SMALL)], [deployment(spec=LARGE)]), capsys)
    assert list(result) == [
        "deployments",
        "hourlyCostBefore",
        "hourlyCostAfter",
        "hourlyCostDifference",
        "currency",
    ]
    (one,) = result["deployments"]
    assert list(one) == [
        "namespace",
        "name",
        "change",
        "replacesPods",
        "suspended",
        "note",
        "before",
        "after",
        "hourlyCostDifference",
    ]
    assert (one["before"]["plan"]["variant"], one["after"]["plan"]["variant"]) == ("E2B", "31B")


@pytest.mark.parametrize("side", ["before", "after"])
def test_each_side_is_what_the_verb_alone_says(side: str, files: Any, capsys: pytest.CaptureFixture[str]):
    arguments = files([deployment(spec=SMALL)], [deployment(spec=LARGE)])
    (one,) = told(arguments, capsys)["deployments"]
    file = arguments[4] if side == "before" else arguments[2]
    alone = told(["plan", "-f", file, "--inventory", MIXED], capsys)
    assert one[side].items() >= {key: alone[key] for key in ("feasible", "plan", "replicas")}.items()


CHANGES: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None, str, bool]] = {
    "another model": (SMALL, LARGE, "Changed", True),
    "more replicas": (SMALL, SMALL | {"replicas": 3}, "Changed", False),
    "a default that is written down": (SMALL, SMALL | {"suspend": False}, "Unchanged", False),
    "what reaches no pod": (SMALL, SMALL | {"disruption": {"minAvailablePercent": 10}}, "Changed", False),
    "an argument of the engine": (SMALL, SMALL | {"engine": {"extraArgs": ["--seed", "7"]}}, "Changed", True),
    "a new one": (None, SMALL, "Added", False),
    "one that goes": (SMALL, None, "Removed", False),
    "nothing": (SMALL, SMALL, "Unchanged", False),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_becomes_of_a_deployment(what: str, files: Any, capsys: pytest.CaptureFixture[str]):
    before, after, change, replaces_pods = CHANGES[what]
    sides = [[] if spec is None else [deployment(spec=spec)] for spec in (before, after)]
    (one,) = told(files(*sides), capsys)["deployments"]
    assert (one["change"], one["replacesPods"]) == (change, replaces_pods)
    assert ((one["before"] is None), (one["after"] is None)) == (before is None, after is None)


SUSPENDED = {"suspend": True}
PAUSES: dict[str, tuple[dict[str, Any] | None, dict[str, Any], str, str]] = {
    "suspended and changed": (SMALL, LARGE | SUSPENDED, "Changed", "what else is changed waits"),
    "only suspended": (SMALL, SMALL | SUSPENDED, "Changed", "becomes suspended: its pods stay as they are"),
    "changed while suspended": (SMALL | SUSPENDED, LARGE | SUSPENDED, "Changed", "the change waits"),
    "more of it while suspended": (SMALL | SUSPENDED, SMALL | SUSPENDED | {"replicas": 3}, "Changed", "change waits"),
    "new and suspended": (None, SMALL | SUSPENDED, "Added", "nothing is made"),
}


@pytest.mark.parametrize("what", PAUSES)
def test_while_suspended_nothing_is_replaced_and_nothing_costs_more(
    what: str, files: Any, capsys: pytest.CaptureFixture[str]
):
    before, after, change, note = PAUSES[what]
    arguments = files([] if before is None else [deployment(spec=before)], [deployment(spec=after)])
    result = told(arguments, capsys)
    (one,) = result["deployments"]
    assert (one["change"], one["replacesPods"], one["suspended"]) == (change, False, True)
    assert (one["hourlyCostDifference"], result["hourlyCostDifference"]) == ("0.00", "0.00")
    assert result["hourlyCostAfter"] == result["hourlyCostBefore"]
    assert note in one["note"]
    assert main(arguments) == 0
    comment = capsys.readouterr().out
    assert f"| {change.lower()}, suspended |" in comment
    assert f"**`team-a/chat`:** {one['note']}" in comment
    assert "(0.00 while suspended)" in comment


@pytest.mark.parametrize("after", [SMALL, LARGE], ids=["alone", "with another model"])
def test_what_waited_is_applied_when_it_is_resumed(
    after: dict[str, Any], files: Any, capsys: pytest.CaptureFixture[str]
):
    (one,) = told(files([deployment(spec=SMALL | SUSPENDED)], [deployment(spec=after)]), capsys)["deployments"]
    assert (one["change"], one["replacesPods"], one["suspended"]) == ("Changed", after is LARGE, False)
    assert "no longer suspended: what waited meanwhile is applied at once" in one["note"]


@pytest.mark.parametrize("spec", [SMALL, SMALL | SUSPENDED], ids=["running", "suspended"])
def test_what_does_not_change_has_no_note(spec: dict[str, Any], files: Any, capsys: pytest.CaptureFixture[str]):
    (one,) = told(files([deployment(spec=spec)], [deployment(spec=spec)]), capsys)["deployments"]
    assert (one["change"], one["note"]) == ("Unchanged", None)


def test_what_nothing_would_serve_stays_as_it_is_while_suspended(files: Any, capsys: pytest.CaptureFixture[str]):
    arguments = files([deployment(spec=SMALL)], [deployment(spec=UNPAYABLE | SUSPENDED)])
    result = told(arguments, capsys, code=3)
    assert result["hourlyCostAfter"] == result["hourlyCostBefore"]
    assert main(arguments) == 3
    assert "`team-a/chat` would not be served once it is resumed." in capsys.readouterr().out


def test_costs_add_up(files: Any, capsys: pytest.CaptureFixture[str]):
    before = [deployment("kept", SMALL), deployment("gone", SMALL), deployment("grown", SMALL)]
    after = [deployment("kept", SMALL), deployment("new", LARGE), deployment("grown", SMALL | {"replicas": 3})]
    result = told(files(before, after), capsys)
    differences = {one["name"]: float(one["hourlyCostDifference"]) for one in result["deployments"]}
    assert differences["kept"] == 0
    assert differences["gone"] < 0 < differences["grown"]
    assert differences["new"] > 0
    total = float(result["hourlyCostAfter"]) - float(result["hourlyCostBefore"])
    assert sum(differences.values()) == pytest.approx(total)
    assert result["hourlyCostDifference"] == f"{total:+.2f}"


BUSY = SMALL | {"workload": {"requestsPerMinute": 60}}
"""Of which one replica is enough."""


def test_replicas_are_paid_for_though_the_workload_needs_fewer(files: Any, capsys: pytest.CaptureFixture[str]):
    (one,) = told(files([deployment(spec=BUSY)], [deployment(spec=BUSY | {"replicas": 3})]), capsys)["deployments"]
    assert [one[side]["replicas"] for side in ("before", "after")] == [1, 1]
    assert [one[side]["runs"] for side in ("before", "after")] == [1, 3]
    each = Decimal(one["before"]["hourlyCost"])
    assert one["hourlyCostDifference"] == f"{2 * each:+.2f}"


def test_an_autoscaler_is_taken_to_run_what_the_workload_needs(files: Any, capsys: pytest.CaptureFixture[str]):
    crowd = SMALL | {"workload": {"requestsPerMinute": 2000}}
    bounds = [crowd | {"autoscaling": {"maxReplicas": most}} for most in (2, 9)]
    (one,) = told(files(*([deployment(spec=spec)] for spec in bounds)), capsys)["deployments"]
    needed = one["after"]["replicas"]
    assert 2 < needed < 9
    assert [one[side]["runs"] for side in ("before", "after")] == [2, needed]
    assert main(files(*([deployment(spec=spec)] for spec in bounds))) == 0
    assert f"`2, and the workload needs {needed}` → `{needed}`" in capsys.readouterr().out


def test_without_a_workload_none_is_needed(files: Any, capsys: pytest.CaptureFixture[str]):
    arguments = files([deployment(spec=SMALL)], [deployment(spec=SMALL | {"replicas": 0})])
    (one,) = told(arguments, capsys)["deployments"]
    assert [(one[side]["needs"], one[side]["runs"]) for side in ("before", "after")] == [(None, 1), (None, 0)]
    assert main(arguments) == 0
    comment = capsys.readouterr().out
    assert "`1` → `0`" in comment
    assert "the workload needs" not in comment


def test_more_replicas_than_the_limit_pays_for_are_exit_code_3(files: Any, capsys: pytest.CaptureFixture[str]):
    limited = BUSY | {"objectives": {"maximumHourlyCost": "4.00"}}
    arguments = files([deployment(spec=limited)], [deployment(spec=limited | {"replicas": 50})])
    (one,) = told(arguments, capsys, code=3)["deployments"]
    assert (one["after"]["reason"], one["replacesPods"], one["hourlyCostDifference"]) == ("OverBudget", False, None)
    assert "hourlyCost" not in one["after"]


def test_what_would_not_be_served_is_exit_code_3_and_has_no_price(files: Any, capsys: pytest.CaptureFixture[str]):
    result = told(files([deployment(spec=SMALL)], [deployment(spec=UNPAYABLE)]), capsys, code=3)
    (one,) = result["deployments"]
    assert one["hourlyCostDifference"] is None
    assert one["after"]["reason"] == "Infeasible"
    assert not one["replacesPods"]


def test_a_change_that_repairs_is_exit_code_0(files: Any, capsys: pytest.CaptureFixture[str]):
    (one,) = told(files([deployment(spec=UNPAYABLE)], [deployment(spec=SMALL)]), capsys)["deployments"]
    assert not one["before"]["feasible"]
    assert one["after"]["feasible"]


MANY = LARGE | {"replicas": 100}


def test_replicas_that_no_gpus_are_left_for_are_told_and_end_with_3(files: Any, capsys: pytest.CaptureFixture[str]):
    arguments = files([deployment(spec=LARGE)], [deployment(spec=MANY)])
    (one,) = told(arguments, capsys, code=3)["deployments"]
    after = one["after"]
    assert (after["feasible"], after["fits"], one["before"]["fits"]) == (True, False, True)
    assert re.match(r"Only \d+ of 100 replicas can run: each takes ", after["message"])
    assert main(arguments) == 3
    comment = capsys.readouterr().out
    assert f"**`team-a/chat` would not all run.** {code(after['message'])}" in comment
    assert "All that is planned costs **" in comment


def test_nor_is_it_passed_over_where_nothing_changes(files: Any, capsys: pytest.CaptureFixture[str]):
    assert main(files([deployment(spec=MANY)], [deployment(spec=MANY)])) == 3
    comment = capsys.readouterr().out
    assert "No Gemma4Deployment changes." in comment
    assert "**`team-a/chat` would not all run.** `Only " in comment


def test_fewer_replicas_than_there_was_room_for_mend_it(files: Any, capsys: pytest.CaptureFixture[str]):
    assert main(files([deployment(spec=MANY)], [deployment(spec=LARGE)])) == 0
    assert "would not all run" not in capsys.readouterr().out


def test_what_a_plan_notes_is_in_the_comment(files: Any, capsys: pytest.CaptureFixture[str]):
    elsewhere = SMALL | {"placement": {"gpuProducts": ["NVIDIA-GH200-480GB"]}}
    arguments = files([deployment(spec=SMALL)], [deployment(spec=elsewhere)])
    (one,) = told(arguments, capsys)["deployments"]
    (note,) = one["after"]["plan"]["notes"]
    assert note == "No node for these pods has NVIDIA-GH200-480GB now: they wait until one comes."
    assert "'mystery-1'" in " ".join(one["after"]["nodes"])
    assert main(arguments) == 0
    comment, _, fold = capsys.readouterr().out.partition("<details>")
    assert f"**`team-a/chat`:** `{one['after']['plan']['notes'][0]}`" in comment
    assert all(code(note) in fold for note in one["after"]["nodes"])


HOST = {**SMALL, "podTemplatePatch": {"spec": {"hostNetwork": True}}}
"""Valid for the API server, and refused when its pods are rendered."""


def test_what_was_not_valid_does_not_keep_a_change_from_mending_it(files: Any, capsys: pytest.CaptureFixture[str]):
    (one,) = told(files([deployment(spec={"replicas": -1})], [deployment(spec=SMALL)]), capsys)["deployments"]
    assert (one["change"], one["replacesPods"], one["hourlyCostDifference"]) == ("Changed", False, None)
    assert (one["before"]["reason"], one["before"]["message"]) == ("InvalidSpec", "spec.replicas: must be at least 0.")


def test_nor_does_a_key_that_was_there_twice(files: Any, capsys: pytest.CaptureFixture[str]):
    arguments = files([deployment(spec=SMALL)], [deployment(spec=SMALL)])
    before = Path(arguments[4])
    before.write_text(before.read_text() + "spec: {}\n")
    assert told(arguments, capsys)["deployments"][0]["change"] == "Changed"
    after = Path(arguments[2])
    after.write_text(before.read_text())
    assert main(arguments) == 2
    assert f"gemma4: {after}: must have each key once, and `spec` is in line " in capsys.readouterr().err


def test_nor_does_what_could_not_be_rendered(files: Any, capsys: pytest.CaptureFixture[str]):
    (one,) = told(files([deployment(spec=HOST)], [deployment(spec=SMALL)]), capsys)["deployments"]
    assert (one["change"], one["replacesPods"], one["hourlyCostDifference"]) == ("Changed", False, None)
    assert one["before"]["reason"] == "InvalidSpec"
    assert one["before"]["message"] == (
        "`spec.podTemplatePatch.spec.hostNetwork` must not be true: no engine needs the host's own."
    )


def test_what_could_not_be_rendered_and_was_suspended_is_resumed(files: Any, capsys: pytest.CaptureFixture[str]):
    (one,) = told(files([deployment(spec=HOST | SUSPENDED)], [deployment(spec=SMALL)]), capsys)["deployments"]
    assert "no longer suspended" in one["note"]


@pytest.mark.parametrize("before", [[], [deployment(spec=SMALL)]], ids=["new", "changed"])
def test_what_cannot_be_rendered_afterwards_is_exit_code_2(
    before: list[dict[str, Any]], files: Any, capsys: pytest.CaptureFixture[str]
):
    assert main(files(before, [deployment(spec=HOST)])) == 2
    assert "team-a/chat: `spec.podTemplatePatch.spec.hostNetwork` must not be true" in capsys.readouterr().err


def test_what_had_no_name_cannot_be_told_of(files: Any, capsys: pytest.CaptureFixture[str]):
    nameless = {key: one for key, one in deployment(spec=SMALL).items() if key != "metadata"}
    assert main(files([nameless], [deployment(spec=SMALL)])) == 2
    assert capsys.readouterr().err.startswith("gemma4: metadata")


def test_the_same_name_in_two_namespaces_is_two(files: Any, capsys: pytest.CaptureFixture[str]):
    both = [deployment("chat", SMALL), deployment("chat", SMALL, namespace="team-b")]
    result = told(files(both, both[:1]), capsys)
    assert [(one["namespace"], one["change"]) for one in result["deployments"]] == [
        ("team-a", "Unchanged"),
        ("team-b", "Removed"),
    ]


def test_what_was_before_may_come_from_git_itself(
    files: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    arguments = files([], [deployment(spec=LARGE)])
    monkeypatch.setattr(inputs.sys, "stdin", io.StringIO(yaml.safe_dump(deployment(spec=SMALL))))
    arguments[4] = "-"
    assert told(arguments, capsys)["deployments"][0]["change"] == "Changed"


WRONG: dict[str, tuple[list[str], str]] = {
    "a name beside a file": (
        ["plan", "chat", "--compare", "old.yaml", "--inventory", MIXED],
        "`--compare` must be given with `-f`: it sets one file beside another",
    ),
    "two from one standard input": (
        ["plan", "-f", "-", "--compare", "-", "--inventory", MIXED],
        "`--file` and `--compare` must not both be standard input: write one of them to a file",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_usage_that_contradicts_itself(what: str, capsys: pytest.CaptureFixture[str]):
    arguments, sentence = WRONG[what]
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"gemma4: {sentence}\n"


def test_nothing_on_either_side(files: Any, capsys: pytest.CaptureFixture[str]):
    other = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}}]
    assert main(files(other, other)) == 2
    sentence = "`-f` or `--compare` must hold a Gemma4Deployment, and neither does"
    assert capsys.readouterr().err == f"gemma4: {sentence}\n"


def test_the_same_one_twice(files: Any, capsys: pytest.CaptureFixture[str]):
    arguments = files([], [deployment(spec=SMALL), deployment(spec=LARGE)])
    assert main(arguments) == 2
    places = f"object 1 of {arguments[2]} and in object 2 of {arguments[2]}"
    sentence = f"Gemma4Deployment team-a/chat must be given once, and is in {places}"
    assert capsys.readouterr().err == f"gemma4: {sentence}\n"


def test_n_fills_in_both_sides(files: Any, capsys: pytest.CaptureFixture[str]):
    arguments = files([deployment(spec=SMALL, namespace=None)], [deployment(spec=LARGE, namespace=None)])
    (one,) = told([*arguments, "-n", "team-b"], capsys)["deployments"]
    assert (one["namespace"], one["change"]) == ("team-b", "Changed")


def test_what_was_in_another_namespace_moves(files: Any, capsys: pytest.CaptureFixture[str]):
    arguments = files([deployment(spec=SMALL)], [deployment(spec=SMALL, namespace=None)])
    result = told([*arguments, "-n", "team-b"], capsys)
    assert [(one["namespace"], one["change"]) for one in result["deployments"]] == [
        ("team-b", "Added"),
        ("team-a", "Removed"),
    ]


def test_a_spec_that_cannot_be_is_named(files: Any, capsys: pytest.CaptureFixture[str]):
    arguments = files([deployment(spec=SMALL)], [deployment(spec={"replicas": -1})])
    assert main(arguments) == 2
    assert capsys.readouterr().err == "gemma4: spec.replicas: must be at least 0\n"


def test_the_comment(files: Any, capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion):
    before = [
        deployment("chat", SMALL),
        deployment("gone", SMALL),
        deployment("kept", SMALL),
        deployment("poor", SMALL),
    ]
    after = [deployment("chat", LARGE), deployment("kept", SMALL), deployment("new", LARGE)]
    assert main(files(before, [*after, deployment("poor", UNPAYABLE)])) == 3
    assert capsys.readouterr().out == snapshot


def test_a_comment_on_what_changes_nothing(files: Any, capsys: pytest.CaptureFixture[str]):
    assert main(files([deployment(spec=SMALL)], [deployment(spec=SMALL)])) == 0
    text = capsys.readouterr().out
    assert "No Gemma4Deployment changes." in text
    assert text.rstrip().endswith("an hour, as before.")
    assert "<details>" not in text


def test_nothing_served_on_either_side_has_no_price(files: Any, capsys: pytest.CaptureFixture[str]):
    assert main(files([], [deployment(spec=UNPAYABLE)])) == 3
    assert "Nothing of it is served, before or after." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "`plain`"),
        ("`@everyone`", "`'@everyone'`"),
        ("a | b", "`a \\| b`"),
        ("two\nlines", "`two lines`"),
    ],
)
def test_what_comes_from_a_file_cannot_leave_its_code_span(text: str, span: str):
    assert code(text) == span


def test_a_name_in_a_fold_is_no_html(files: Any, capsys: pytest.CaptureFixture[str]):
    """No API server takes such a name; a file on a pull request may have it."""
    result = told(files([], [deployment(spec=SMALL)]), capsys)
    (one,) = result["deployments"]
    text = report({**result, "deployments": [{**one, "name": "<b>"}]})
    assert "<summary>team-a/&lt;b&gt;</summary>" in text
    assert "<b>" not in text.replace("`team-a/<b>`", "")
