"""Bad input on the real API server: both judges agree on it, and an operator gets over all that is let in."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from gemma4_operator.api.read import InvalidResource, read_deployment
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from gemma4_operator.status.reasons import Reason
from tests.cluster import wait_for
from tests.fuzz.documents import documents
from tests.fuzz.resources import Resource, resources
from tests.integration.home import Home, condition, is_ready, sample
from tests.integration.objects import Object, Refused
from tests.integration.operating import OperatorProcess, Operators

pytestmark = pytest.mark.cluster

JUDGED = resources(1_050)
LIVED = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 60
"""Of those that are let in, so many are really created: hundreds with `make fuzz`."""
PATIENCE_SECONDS = 30 + LIVED / 4
_REFUSALS = (400, 409, 413, 422)
STRICT = "fieldManager=fuzz&fieldValidation=Strict"


class Door:
    """The API server as a client meets it that sends what it likes."""

    def __init__(self, home: Home) -> None:
        self._objects = home.objects
        self._path = GEMMA4_DEPLOYMENT.path(namespace=home.namespace)

    def refusal(self, body: Resource) -> str | None:
        """Return why a resource is refused, without creating it; else None. What would be stored must be understood."""
        try:
            stored = self._objects.request("POST", f"{self._path}?dryRun=All&{STRICT}", body=body)
        except Refused as refusal:
            if refusal.code not in _REFUSALS:
                raise
            return str(refusal)
        assert operator_refusal(stored) is None, (body, stored)
        return None

    def send(self, content: bytes, content_type: str) -> int:
        """Send bytes as they are, and return the HTTP status."""
        return self._objects.send("POST", f"{self._path}?{STRICT}", content, content_type=content_type)


def operator_refusal(body: Resource) -> str | None:
    try:
        read_deployment(body)
    except InvalidResource as error:
        return str(error)
    return None


@pytest.fixture
def door(home: Home) -> Door:
    return Door(home)


def test_both_judges_agree_on_a_thousand_resources_that_nobody_would_write(door: Door):
    verdicts: Counter[bool] = Counter()
    quarrels = []
    for one in JUDGED:
        at_operator, at_server = operator_refusal(one.body), door.refusal(one.body)
        verdicts[at_server is None] += 1
        if (at_server is None) != (at_operator is None):
            quarrels.append((one.what, at_server, at_operator))
    assert not quarrels
    assert min(verdicts.values()) > 200, verdicts


@pytest.fixture
def operator(operators: Operators) -> Iterator[OperatorProcess]:
    """An operator of the test's own, which nothing in it may make stumble."""
    running = operators.new(resync_seconds=5).wait_leading()
    yield running
    assert running.alive(), running.log()[-3000:]
    running.must_be_steady()


def metric(operator: OperatorProcess, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", operator.metrics(), re.MULTILINE)
    assert found is not None, f"no metric {name}"
    return float(found[1])


def wait_drained(operator: OperatorProcess) -> None:
    """Return once no key is overdue; those of broken resources come again, later each time."""
    wait_for(lambda: metric(operator, "gemma4_operator_queue_oldest_seconds") < 1, 20, "the queue to drain")


def let_in(door: Door, count: int) -> list[Resource]:
    """Return resources that the API server takes; most run no pods, and the others' pods are few."""
    found = []
    for one in resources(3 * count, seed=7):
        spec = one.body.get("spec")
        if operator_refusal(one.body) is None and isinstance(spec, dict):
            replicas = 1 if len(found) % 10 == 0 else 0
            body = {**one.body, "spec": {**spec, "replicas": replicas}}
            if operator_refusal(body) is None and door.refusal(body) is None:
                found.append(body)
        if len(found) == count:
            break
    return found


def by_name(home: Home) -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in home.objects.list(GEMMA4_DEPLOYMENT, home.namespace)}


def silent(home: Home) -> dict[str, Any]:
    """Return those of which the operator has not said what they are now, with what it said last."""
    found = {}
    for name, one in by_name(home).items():
        ready = condition(one, "Ready")
        if ready.get("observedGeneration") != one["metadata"]["generation"] or not ready.get("reason"):
            found[name] = one.get("status", {}).get("conditions")
    return found


def wait_told(home: Home, seconds: float) -> None:
    wait_for(
        lambda: not silent(home),
        seconds,
        lambda: f"a word about {dict(list(silent(home).items())[:3])}",
        interval_seconds=0.5,
    )


def test_an_operator_gets_over_hundreds_of_them_and_nobody_else_notices(
    home: Home, other_home: Home, operator: OperatorProcess, door: Door
):
    bodies = let_in(door, LIVED)
    assert len(bodies) == LIVED
    for body in bodies:
        home.create(body)
    # A well-formed one comes last, in another namespace, and waits for none of them.
    other_home.create(sample("well"))
    other_home.wait_ready("well", timeout_seconds=PATIENCE_SECONDS)
    wait_told(home, PATIENCE_SECONDS)
    wait_drained(operator)
    reasons = Counter(condition(one, "Ready")["reason"] for one in by_name(home).values())
    assert set(reasons) <= {reason.value for reason in Reason}
    assert {"ScaledToZero", "ChildRejected", "InvalidSpec"} <= set(reasons), reasons

    # Then each is edited to another of them; the API server refuses some of the edits, and the others are told of.
    chance = Random(6)
    specs = [one.body.get("spec") for one in resources(LIVED, seed=8)]
    taken = sum(edited(home, name, chance.choice(specs)) for name in by_name(home))
    assert taken > LIVED / 4
    wait_told(home, PATIENCE_SECONDS)
    wait_drained(operator)
    assert is_ready(other_home.resource("well"))

    home.objects.request("DELETE", GEMMA4_DEPLOYMENT.path(namespace=home.namespace))
    wait_for(lambda: not by_name(home), PATIENCE_SECONDS, lambda: f"the end of {list(by_name(home))}")
    # Their children go with the garbage collector; nobody makes them anew.
    wait_for(lambda: metric(operator, "gemma4_operator_queue_depth") == 0, 20, "an empty queue")
    home.wait_quiet(seconds=0.5)
    assert is_ready(other_home.resource("well"))


def edited(home: Home, name: str, spec: Any) -> bool:
    """Replace a spec, without a pod to run, and return whether the API server takes it."""
    body = by_name(home)[name]
    body["spec"] = {**spec, "replicas": 0} if isinstance(spec, dict) else spec
    try:
        home.objects.request("PUT", GEMMA4_DEPLOYMENT.path(namespace=home.namespace, name=name), body=body)
    except Refused as refusal:
        if refusal.code not in _REFUSALS:
            raise
        return False
    return True


def deep(name: str, levels: int) -> bytes:
    text = json.dumps(sample(name, replicas=0, podTemplatePatch={"spec": "HERE"}))
    return text.replace('"HERE"', '{"a":' * levels + "1" + "}" * levels).encode()


def test_an_object_without_end_in_one_namespace_is_told_of_and_ends_nobody(
    home: Home, other_home: Home, operators: Operators, operator: OperatorProcess, door: Door
):
    """The API server takes ten thousand levels, and Python's reader of JSON gives up at a thousand."""
    for levels in (150, 900, 1100, 9000):
        assert door.send(deep(f"deep-{levels}", levels), "application/json") == 201
    for levels in (150, 900, 1100, 9000):
        ready = home.wait_reason(f"deep-{levels}", "InvalidSpec")
        assert ready["message"] == "spec.podTemplatePatch: must have at most 32 levels of nesting."
    other_home.create(sample("well", replicas=0))
    other_home.wait_ready("well")
    # Nor does it keep the next operator from starting, which begins with a listing.
    operator.kill()
    operator.start().wait_leading()
    other_home.edit("well", endpoint={"port": 9000})
    other_home.wait_ready("well")
    home.edit("deep-9000", podTemplatePatch=None)
    home.wait_ready("deep-9000")


def test_three_hundred_broken_documents_at_the_door_change_nothing(home: Home, door: Door, operator: OperatorProcess):
    home.create(sample("well", replicas=0))
    home.wait_ready("well")
    home.wait_quiet()
    before = home.children("well"), home.resource("well")
    statuses: Counter[int] = Counter()
    for number, content in enumerate(documents().values()):
        kind = ("application/json", "application/yaml", "application/json", "text/plain")[number % 4]
        statuses[door.send(content, kind)] += 1
    assert statuses.keys() <= {201, 400, 409, 413, 415, 422, 500}, statuses
    assert statuses[400] + statuses[415] + statuses[422] > 200, statuses
    wait_told(home, 20)
    wait_drained(operator)
    assert (home.children("well"), home.resource("well")) == before
