"""Each alert fires when it should and is silent when it should be, as Prometheus' own promtool plays it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from gemma4_operator.runtime import families
from tests.cluster.prometheus import promtool

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[3]
FILE = ROOT / "charts" / "gemma4-operator" / "files" / "alerts.yaml"
GUIDE = (ROOT / "docs" / "guides" / "monitoring.md").read_text()
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in yaml.safe_load(FILE.read_text())["groups"] for rule in group["rules"]
}
CHAT = 'namespace="team",name="chat"'
LEASE = "gemma4-system/gemma4-operator"
OF_CHAT = {"namespace": "team", "name": "chat"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is scraped each minute, in promtool's notation, and which alert fires of it after so many."""

    alert: str
    series: Mapping[str, str]
    minutes: int
    labels: Mapping[str, str] = field(default_factory=dict)


def condition(name: str, reason: str) -> str:
    return f'gemma4_deployment_condition{{{CHAT},condition="{name}",reason="{reason}"}}'


def leader(pod: str, lease: str = LEASE) -> str:
    return f'{families.LEADER.name}{{lease="{lease}",pod="{pod}"}}'


def of_chat(family: families.Family, suffix: str = "") -> str:
    return f"{family.name}{suffix}{{{CHAT}}}"


def in_time(share: str, *, kept: families.Family, times: families.Family) -> dict[str, str]:
    """100 requests a minute, of which so many keep an objective that 95 of 100 must."""
    return {
        of_chat(kept): f"0+{share}x120",
        of_chat(times, "_count"): "0+100x120",
        of_chat(families.OBJECTIVE_ATTAINMENT): "0.95x120",
    }


FIRST = {"kept": families.FIRST_TOKENS_IN_TIME, "times": families.FIRST_TOKEN_SECONDS}
OUTPUT = {"kept": families.OUTPUT_TOKENS_IN_TIME, "times": families.OUTPUT_TOKEN_SECONDS}


def errors(each_minute: int) -> dict[str, str]:
    return {
        f'{families.RECONCILE_ERRORS.name}{{error="forbidden",pod="a"}}': f"0+{each_minute}x60",
        f'{families.RECONCILE_ERRORS.name}{{error="bug",pod="a"}}': "0x60",
    }


def requests(failed_each_minute: int, code: str) -> dict[str, str]:
    name = families.API_REQUESTS.name
    return {
        f'{name}{{verb="get",kind="Pod",code="200"}}': "0+80x60",
        f'{name}{{verb="get",kind="Pod",code="{code}"}}': f"0+{failed_each_minute}x60",
    }


def token_seconds(each: str) -> dict[str, str]:
    """100 tokens a minute, of which each takes so long, where 40 ms are planned."""
    return {
        of_chat(families.OUTPUT_TOKEN_SECONDS, "_sum"): f"0+{each}x150",
        of_chat(families.OUTPUT_TOKEN_SECONDS, "_count"): "0+100x150",
        of_chat(families.PREDICTED_OUTPUT_TOKEN_SECONDS): "0.04x150",
    }


FIRES = {
    "nobody-leads": Case(
        alert="Gemma4OperatorNotLeading", series={leader("a"): "0x30"}, minutes=6, labels={"lease": LEASE}
    ),
    "nothing-is-scraped": Case(
        alert="Gemma4OperatorNotLeading", series={"up": "1x30"}, minutes=6, labels={"lease": LEASE}
    ),
    "the-leader-goes": Case(
        alert="Gemma4OperatorNotLeading",
        series={leader("a"): "1x5 0x30", leader("b"): "0x35"},
        minutes=12,
        labels={"lease": LEASE},
    ),
    "another-operator-leads": Case(
        alert="Gemma4OperatorNotLeading",
        series={leader("a"): "1x5 stale", leader("b", "gemma4-system/second"): "1x35"},
        minutes=12,
        labels={"lease": LEASE},
    ),
    "errors": Case(alert="Gemma4OperatorReconcileErrors", series=errors(1), minutes=35, labels={"error": "forbidden"}),
    "a-queue-that-is-late": Case(
        alert="Gemma4OperatorQueueOld", series={"gemma4_operator_queue_oldest_seconds": "61x30"}, minutes=11
    ),
    **{
        f"requests-with-{code}": Case(alert="Gemma4OperatorApiErrors", series=requests(20, code), minutes=25)
        for code in ("0", "429", "500", "503")
    },
    "requests-of-one-operator-of-two": Case(
        alert="Gemma4OperatorApiErrors",
        series={
            f'{families.API_REQUESTS.name}{{namespace="ops",pod="a",code="503"}}': "0+10x60",
            f'{families.API_REQUESTS.name}{{namespace="ops",pod="b",code="200"}}': "0+800x60",
        },
        minutes=25,
        labels={"namespace": "ops", "pod": "a"},
    ),
    "faults-of-the-catalogue": Case(
        alert="Gemma4OperatorCatalogFaults", series={"gemma4_operator_catalog_faults": "1x30"}, minutes=6
    ),
    "too-few-serve": Case(
        alert="Gemma4DeploymentUnavailable",
        series={condition("Available", "Available"): "1x5 stale", condition("Available", "TooFewServing"): "_x6 0x60"},
        minutes=18,
        labels=OF_CHAT,
    ),
    "too-few-serve-as-of-another-leader": Case(
        alert="Gemma4DeploymentUnavailable",
        series={
            f'gemma4_deployment_condition{{{CHAT},condition="Available",reason="Available",pod="a"}}': "1x5 stale",
            f'gemma4_deployment_condition{{{CHAT},condition="Available",reason="TooFewServing",pod="b"}}': "_x6 0x60",
        },
        minutes=18,
        labels=OF_CHAT,
    ),
    "not-ready-for-reasons-that-change": Case(
        alert="Gemma4DeploymentNotReady",
        series={
            condition("Ready", "Progressing"): "0x20 _x30",
            condition("Ready", "InsufficientGPU"): "_x21 0x30",
        },
        minutes=40,
        labels=OF_CHAT,
    ),
    "stalled": Case(
        alert="Gemma4DeploymentStalled",
        series={condition("Stalled", "InvalidSpec"): "1x30"},
        minutes=6,
        labels=OF_CHAT | {"reason": "InvalidSpec"},
    ),
    "not-observed": Case(
        alert="Gemma4DeploymentNotObserved",
        series={of_chat(families.GENERATION): "3x30", of_chat(families.OBSERVED_GENERATION): "2x30"},
        minutes=11,
        labels=OF_CHAT,
    ),
    "limited": Case(
        alert="Gemma4DeploymentScalingLimited",
        series={f'gemma4_deployment_scaling_limited{{{CHAT},limit="no GPU"}}': "1x60"},
        minutes=31,
        labels=OF_CHAT | {"limit": "no GPU"},
    ),
    "first-tokens-late": Case(
        alert="Gemma4DeploymentFirstTokensLate", series=in_time("94", **FIRST), minutes=60, labels=OF_CHAT
    ),
    "output-tokens-late": Case(
        alert="Gemma4DeploymentOutputTokensLate", series=in_time("94", **OUTPUT), minutes=60, labels=OF_CHAT
    ),
    "slower-than-planned": Case(
        alert="Gemma4DeploymentSlowerThanPlanned", series=token_seconds("6.1"), minutes=130, labels=OF_CHAT
    ),
    "a-small-cache": Case(
        alert="Gemma4DeploymentCacheSmallerThanPlanned",
        series={of_chat(families.CACHE_TOKENS): "89x30", of_chat(families.PREDICTED_CACHE_TOKENS): "100x30"},
        minutes=11,
        labels=OF_CHAT,
    ),
}

SILENT = {
    "a-new-leader-within-minutes": Case(
        alert="Gemma4OperatorNotLeading",
        series={leader("a"): "1x5 0x30", leader("b"): "0x8 1x30"},
        minutes=30,
    ),
    "an-error-now-and-then": Case(
        alert="Gemma4OperatorReconcileErrors",
        series={f'{families.RECONCILE_ERRORS.name}{{error="unavailable",pod="a"}}': "0x10 4x60"},
        minutes=60,
    ),
    "a-queue-that-is-late-for-a-moment": Case(
        alert="Gemma4OperatorQueueOld",
        series={"gemma4_operator_queue_oldest_seconds": "90x5 0x5 90x5 0x30"},
        minutes=16,
    ),
    "requests-that-are-refused": Case(alert="Gemma4OperatorApiErrors", series=requests(20, "404"), minutes=25),
    "few-requests-that-fail": Case(alert="Gemma4OperatorApiErrors", series=requests(8, "503"), minutes=25),
    "a-sound-catalogue": Case(
        alert="Gemma4OperatorCatalogFaults", series={"gemma4_operator_catalog_faults": "0x30"}, minutes=20
    ),
    "one-that-is-scaled-to-zero": Case(
        alert="Gemma4DeploymentUnavailable", series={condition("Available", "ScaledToZero"): "0x60"}, minutes=50
    ),
    "one-that-is-gone": Case(
        alert="Gemma4DeploymentUnavailable",
        series={
            condition("Available", "Available"): "1x5 stale",
            condition("Available", "TooFewServing"): "_x6 0x8 stale",
        },
        minutes=20,
    ),
    "one-that-loads-for-the-first-time": Case(
        alert="Gemma4DeploymentUnavailable", series={condition("Available", "TooFewServing"): "0x60"}, minutes=50
    ),
    "one-that-loads-again-after-zero-pods": Case(
        alert="Gemma4DeploymentUnavailable",
        series={
            condition("Available", "Available"): "1x30 stale",
            condition("Available", "ScaledToZero"): "_x31 0x30 stale",
            condition("Available", "TooFewServing"): "_x62 0x40",
        },
        minutes=100,
    ),
    "one-that-loads": Case(
        alert="Gemma4DeploymentNotReady",
        series={condition("Ready", "Progressing"): "0x20 stale", condition("Ready", "Ready"): "_x21 1x40"},
        minutes=50,
    ),
    "one-that-is-suspended": Case(
        alert="Gemma4DeploymentNotReady", series={condition("Ready", "Suspended"): "0x60"}, minutes=50
    ),
    "one-that-is-mended-at-once": Case(
        alert="Gemma4DeploymentStalled", series={condition("Stalled", "InvalidSpec"): "1x3 stale"}, minutes=10
    ),
    "one-that-was-seen": Case(
        alert="Gemma4DeploymentNotObserved",
        series={of_chat(families.GENERATION): "3x60", of_chat(families.OBSERVED_GENERATION): "2x5 3x60"},
        minutes=50,
    ),
    "a-limit-in-a-rush-hour": Case(
        alert="Gemma4DeploymentScalingLimited",
        series={f'gemma4_deployment_scaling_limited{{{CHAT},limit="no GPU"}}': "1x20 stale"},
        minutes=50,
    ),
    "first-tokens-in-time": Case(alert="Gemma4DeploymentFirstTokensLate", series=in_time("96", **FIRST), minutes=60),
    "no-first-tokens-at-all": Case(
        alert="Gemma4DeploymentFirstTokensLate",
        series={
            of_chat(FIRST["kept"]): "7x120",
            of_chat(FIRST["times"], "_count"): "9x120",
            of_chat(families.OBJECTIVE_ATTAINMENT): "0.95x120",
        },
        minutes=60,
    ),
    "output-tokens-in-time": Case(alert="Gemma4DeploymentOutputTokensLate", series=in_time("96", **OUTPUT), minutes=60),
    "nearly-as-fast-as-planned": Case(
        alert="Gemma4DeploymentSlowerThanPlanned", series=token_seconds("5.9"), minutes=130
    ),
    "a-cache-nearly-as-planned": Case(
        alert="Gemma4DeploymentCacheSmallerThanPlanned",
        series={of_chat(families.CACHE_TOKENS): "91x30", of_chat(families.PREDICTED_CACHE_TOKENS): "100x30"},
        minutes=20,
    ),
}


def played(case: Case, folder: Path, **what: Any) -> None:
    """Have promtool play a case, and fail with what it says."""
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    test = {"interval": "1m", "input_series": series, **what}
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(FILE)], "evaluation_interval": "1m", "tests": [test]}))
    run = promtool("test", "rules", str(path))
    assert run.returncode == 0, run.stdout + run.stderr


def firing(case: Case, *, samples: list[dict[str, Any]]) -> dict[str, Any]:
    query = f'ALERTS{{alertname="{case.alert}", alertstate="firing"}}'
    return {"promql_expr_test": [{"expr": query, "eval_time": f"{case.minutes}m", "exp_samples": samples}]}


@pytest.mark.parametrize("case", FIRES.values(), ids=FIRES)
def test_it_fires(case: Case, tmp_path: Path) -> None:
    labels = {"alertname": case.alert, "alertstate": "firing", **ALERTS[case.alert]["labels"], **case.labels}
    told = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    played(case, tmp_path, **firing(case, samples=[{"labels": f"ALERTS{{{told}}}", "value": 1}]))


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_it_is_silent(case: Case, tmp_path: Path) -> None:
    played(case, tmp_path, **firing(case, samples=[]))


def test_each_alert_has_both() -> None:
    for cases in (FIRES, SILENT):
        assert {case.alert for case in cases.values()} == set(ALERTS)


def test_what_is_told_names_the_resource_and_its_figure_in_words(tmp_path: Path) -> None:
    case = FIRES["first-tokens-late"]
    told = ALERTS[case.alert]["annotations"]
    summary = "Only 94% of the requests to team/chat get their first token in time."
    expected = {"exp_labels": {"severity": "warning", **OF_CHAT}}
    expected["exp_annotations"] = {"summary": summary, "description": told["description"]}
    alert = {"alertname": case.alert, "eval_time": f"{case.minutes}m", "exp_alerts": [expected]}
    played(case, tmp_path, alert_rule_test=[alert])


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_is_wrong_and_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(rule["annotations"]) == {"summary", "description"}
    for text in rule["annotations"].values():
        assert text.strip()[-1] in ".'", text
    assert f"### {name}\n" in GUIDE


def test_the_guide_explains_no_alert_that_there_is_not() -> None:
    assert re.findall(r"^### (Gemma4\w+)$", GUIDE, re.MULTILINE) == list(ALERTS)


def test_rules_ask_for_nothing_that_the_operator_does_not_show() -> None:
    listed = {family.name for family in families.ALL}
    summaries = {f"{family.name}{suffix}" for family in families.ALL for suffix in ("_sum", "_count")}
    for rule in ALERTS.values():
        asked = set(re.findall(r"\bgemma4_\w+", rule["expr"]))
        assert asked
        assert asked <= listed | summaries
