"""Upgrades of the operator: pods stay as they were rendered, until somebody wishes for something else."""

from copy import deepcopy
from typing import Any

import pytest

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.api.update import OnOperatorUpgrade
from gemma4_operator.render.template import (
    TEMPLATE_ANNOTATION,
    inputs_of,
    labelled,
    read_back,
    template_of,
    with_template,
)
from gemma4_operator.rollout.keep import kept
from tests.rendering import VLLM, walk, with_fields
from tests.unit.render.test_fields import EDITS

KEEP, ROLL = OnOperatorUpgrade.KEEP, OnOperatorUpgrade.ROLL


def rendered(data: dict[str, Any] = VLLM) -> dict[str, Any]:
    return walk(data).deployment


def of_another_release(deployment: dict[str, Any]) -> dict[str, Any]:
    """Return what a release would have made that sets one variable more and knows no termination message policy."""
    template = deepcopy(deployment["spec"]["template"])
    (container,) = template["spec"]["containers"]
    container["env"].append({"name": "OF_ANOTHER_RELEASE", "value": "1"})
    container.pop("terminationMessagePolicy")
    return with_template(deployment, labelled(template), inputs=inputs_of(deployment))


class TestRecord:
    def test_it_holds_the_template_as_it_was_rendered(self) -> None:
        assert read_back(rendered()) == rendered()["spec"]["template"]

    def test_pods_bear_the_hash_of_their_template(self) -> None:
        template = rendered()["spec"]["template"]
        assert template["metadata"]["labels"][TEMPLATE_LABEL] == template_of(rendered())
        assert labelled(template) == template

    @pytest.mark.parametrize("field", EDITS)
    def test_what_changes_pods_changes_what_they_were_made_from(self, field: str) -> None:
        """Or an edit would be taken for an upgrade, and never reach the pods."""
        before, after = (rendered(data) for data in EDITS[field][:2])
        if template_of(before) != template_of(after):
            assert inputs_of(before) != inputs_of(after)

    @pytest.mark.parametrize("replicas", [0, 1, 5])
    def test_a_count_is_no_matter_of_pods(self, replicas: int) -> None:
        scaled = rendered(with_fields(VLLM, replicas=replicas))
        assert (inputs_of(scaled), template_of(scaled)) == (inputs_of(rendered()), template_of(rendered()))

    @pytest.mark.parametrize(
        "written", ["", "{", "[]", "null", '{"metadata": 5}', '{"metadata": {"labels": {}}}', "[" * 9999]
    )
    def test_one_that_was_edited_is_none(self, written: str) -> None:
        live = rendered()
        live["metadata"]["annotations"][TEMPLATE_ANNOTATION] = written
        assert read_back(live) is None

    def test_nor_is_one_whose_template_is_another(self) -> None:
        live = rendered()
        record = live["metadata"]["annotations"][TEMPLATE_ANNOTATION]
        live["metadata"]["annotations"][TEMPLATE_ANNOTATION] = record.replace("31B", "12B")
        assert read_back(live) is None


class TestUpgrade:
    def test_pods_stay_as_the_release_before_made_them(self) -> None:
        live = of_another_release(rendered())
        assert kept(rendered(), live, KEEP) == (live, True)

    def test_unless_the_resource_asks_for_the_new_ones(self) -> None:
        assert kept(rendered(), of_another_release(rendered()), ROLL) == (rendered(), False)

    def test_what_is_no_matter_of_pods_follows_at_once(self) -> None:
        live = of_another_release(rendered())
        deployment, is_kept = kept(rendered(with_fields(VLLM, replicas=3)), live, KEEP)
        assert is_kept
        assert deployment["spec"]["replicas"] == 3
        assert deployment["spec"]["template"] == live["spec"]["template"]

    def test_another_wish_brings_the_new_release_as_well(self) -> None:
        wished = rendered(with_fields(VLLM, endpoint={"servedModelName": "assistant"}))
        assert kept(wished, of_another_release(rendered()), KEEP) == (wished, False)

    def test_a_second_upgrade_keeps_them_too(self) -> None:
        live = of_another_release(rendered())
        once, _ = kept(rendered(), live, KEEP)
        assert kept(rendered(), once, KEEP) == (live, True)

    def test_nothing_is_said_where_nothing_differs(self) -> None:
        assert kept(rendered(), rendered(), KEEP) == (rendered(), False)

    def test_there_is_nothing_to_keep_where_nothing_was(self) -> None:
        assert kept(rendered(), None, KEEP) == (rendered(), False)

    @pytest.mark.parametrize("annotations", [None, {}, {TEMPLATE_ANNOTATION: "{}"}])
    def test_a_deployment_without_a_record_is_made_anew(self, annotations: Any) -> None:
        live = rendered()
        live["metadata"]["annotations"] = annotations
        assert kept(rendered(), live, KEEP) == (rendered(), False)

    @pytest.mark.parametrize(
        "hostile",
        [
            {"hostNetwork": True},
            {"serviceAccountName": "admin"},
            {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
            {"securityContext": {"runAsUser": 0}},
            {"containers": "none"},
        ],
        ids=str,
    )
    def test_a_record_that_brings_another_pod_than_may_be_is_none(self, hostile: dict[str, Any]) -> None:
        """It would be made with the operator's rights, and its hash fits: who may edit a Deployment can write one."""
        template = deepcopy(rendered()["spec"]["template"])
        template["spec"] |= hostile
        live = with_template(rendered(), labelled(template), inputs=inputs_of(rendered()))
        assert kept(rendered(), live, KEEP) == (rendered(), False)

    def test_nor_is_one_of_pods_that_the_service_does_not_find(self) -> None:
        template = deepcopy(rendered()["spec"]["template"])
        template["metadata"]["labels"] = {"app": "other"}
        live = with_template(rendered(), labelled(template), inputs=inputs_of(rendered()))
        assert kept(rendered(), live, KEEP) == (rendered(), False)
