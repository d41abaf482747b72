"""What stands in the store may come from any client: damaged pods, events, logs, nodes and children break no pass."""

import copy
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gemma4_operator.planner.inventory import inventory
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.planner.uses import uses_of
from gemma4_operator.runtime.converge import ForeignObject, Settled, due_changes
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.world import empty_world
from gemma4_operator.status.diagnose import diagnose
from gemma4_operator.status.evidence import gather
from gemma4_operator.status.pods import pod_view
from gemma4_operator.status.project import Subject, project
from gemma4_operator.status.rollout import rollout
from gemma4_operator.status.unplaced import unplaced_seconds
from tests.fuzz.junk import TEXTS, damaged, reworded
from tests.fuzz.schema import STATUS, closed
from tests.nodes import clusters
from tests.property.test_choice import chosen
from tests.rendering import CATALOG, ONE_OF_EACH, gpus, spec_of, walk

CASES = json.loads((Path(__file__).parents[1] / "data" / "pod-failures.json").read_text())
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CHAT = Key("team-a", "chat")
UNFIT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal acts on, or turns the direction of writing."""
STATUS_SCHEMA = Draft202012Validator(closed(STATUS))


def metadata(**more: Any) -> dict[str, Any]:
    return {"name": "chat", "namespace": "team-a", "uid": "u", "resourceVersion": "5", "generation": 1, **more}


@pytest.mark.parametrize("part", range(4))
def test_a_damaged_pod_is_told_of_in_a_status_that_the_crd_takes(part: int):
    plan = chosen(ONE_OF_EACH["vllm"], (gpus("NVIDIA-H200"),))
    for number in range(part * 150, (part + 1) * 150):
        chance = Random(f"pods/{number}")
        case = chance.choice(CASES)
        pod = damaged({"metadata": metadata(), "status": case["pod"]}, chance, times=chance.choice((1, 2, 5)))
        events = damaged(case["events"], chance, times=chance.choice((0, 1, 3)))
        view = pod_view(pod)
        evidence = gather(view, events, chance.choice((case["logTail"] or [], chance.choices(TEXTS, k=5))))
        found = diagnose([view], {view.name: evidence})
        assert found is None or not UNFIT.search(found.message)
        unplaced_seconds([view], now=NOW)
        subject = Subject(
            namespace="team-a",
            name="chat",
            generation=1,
            previous={},
            spec=spec_of(ONE_OF_EACH["vllm"]),
            wanted=1,
            plan=plan,
            problem=None,
            rollout=rollout(None),
            pods=(view,),
            evidence={view.name: evidence},
            selector="a=b",
        )
        STATUS_SCHEMA.validate(project(subject, now=NOW))


@given(log=st.text(max_size=3000) | st.lists(st.text(max_size=50), max_size=20))
def test_no_log_breaks_a_diagnosis(log: str | list[str]):
    view = pod_view({"metadata": metadata(), "status": CASES[0]["pod"]})
    found = diagnose([view], {view.name: gather(view, (), log)})
    assert found is None or found.message


@pytest.mark.parametrize("name", [name for name, objects in clusters().items() if objects])
def test_nodes_and_pods_in_which_every_text_may_be_another_are_counted(name: str):
    """The API server knows the types of their fields; what stands in them is anybody's."""
    objects = clusters()[name]
    for number in range(60):
        chance = Random(f"nodes/{number}")
        odd = [reworded(one, chance, share=chance.choice((0.02, 0.2, 0.6))) for one in objects]
        found = inventory(
            [node_view(one) for one, was in zip(odd, objects, strict=True) if was["kind"] == "Node"],
            list(uses_of(one for one, was in zip(odd, objects, strict=True) if was["kind"] == "Pod")),
            catalog=CATALOG,
            node_selector={},
            tolerations=(),
            products=(),
        )
        for one in found.classes:
            pairs = zip(sorted(one.free_by_node), sorted(one.gpus_by_node), strict=True)
            assert all(0 <= free <= has for free, has in pairs)
        assert all(note.endswith(".") for note in found.notes)


@pytest.mark.parametrize("kind", ["Deployment", "Service", "PodDisruptionBudget"])
def test_a_child_that_somebody_has_changed_is_repaired_or_somebody_elses(kind: str):
    """Fields may be gone, and texts and numbers others; what identifies an object is the API server's."""
    wanted = walk(ONE_OF_EACH["vllm"]).objects[kind]
    repaired = 0
    for number in range(150):
        chance = Random(f"{kind}/{number}")
        live = {**wanted, "status": {}, "spec": reworded(wanted["spec"], chance, share=chance.choice((0.05, 0.3)))}
        more = {name: copy.deepcopy(wanted["metadata"][name]) for name in ("labels", "annotations", "ownerReferences")}
        more = {name: reworded(value, chance, share=0.2) for name, value in more.items() if chance.random() < 0.9}
        live["metadata"] = metadata(**more)
        world = empty_world()
        world.children[kind].put(live)
        try:
            changes = due_changes((wanted,), key=CHAT, children=world.children, settled=Settled())
        except ForeignObject:
            assert more.get("ownerReferences") != wanted["metadata"]["ownerReferences"]
            continue
        repaired += len(changes)
        assert changes or live["spec"] != wanted["spec"] or live["metadata"] != wanted["metadata"]
    assert repaired > 50
