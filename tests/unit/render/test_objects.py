"""The three objects as a whole: whose they are, how they find each other, and how many replicas may be away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.api.update import Disruption
from gemma4_operator.render.context import Owner
from gemma4_operator.render.labels import MANAGED_BY, MANAGED_BY_LABEL, OWNER_LABEL, labels, match_labels, selector
from tests.rendering import ONE_OF_EACH, OWNER, VLLM, walk, with_fields

CASES = pytest.mark.parametrize("case", ONE_OF_EACH)
REPLICAS = st.integers(min_value=0, max_value=1000)
PERCENT = st.integers(min_value=0, max_value=100)


class TestIdentity:
    @CASES
    def test_they_come_in_one_order(self, case: str) -> None:
        assert list(walk(ONE_OF_EACH[case]).objects) == ["Deployment", "Service", "PodDisruptionBudget"]

    @CASES
    def test_each_bears_the_owners_name_and_belongs_to_it(self, case: str) -> None:
        for obj in walk(ONE_OF_EACH[case]).objects.values():
            metadata = obj["metadata"]
            assert (metadata["name"], metadata["namespace"]) == (OWNER.name, OWNER.namespace)
            assert metadata["ownerReferences"] == [
                {
                    "apiVersion": "gemma4.dev/v1alpha1",
                    "kind": "Gemma4Deployment",
                    "name": OWNER.name,
                    "uid": OWNER.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ]
            assert metadata["labels"] == labels(OWNER.name)

    def test_two_owners_in_one_namespace_never_share_pods(self) -> None:
        other = walk(VLLM, owner=Owner(name="other", namespace=OWNER.namespace, uid="2"))
        ours = walk(VLLM)
        assert ours.service["spec"]["selector"].items() & other.template["metadata"]["labels"].items() == set()

    def test_the_longest_name_is_still_a_label(self) -> None:
        name = "a" * 63
        assert walk(VLLM, owner=Owner(name=name, namespace="n", uid="1")).deployment["metadata"]["name"] == name


class TestSelectors:
    @CASES
    def test_all_three_mean_the_same_pods(self, case: str) -> None:
        rendered = walk(ONE_OF_EACH[case])
        wanted = match_labels(OWNER.name)
        assert rendered.deployment["spec"]["selector"]["matchLabels"] == wanted
        assert rendered.service["spec"]["selector"] == wanted
        assert rendered.budget["spec"]["selector"]["matchLabels"] == wanted
        assert wanted.items() <= rendered.template["metadata"]["labels"].items()

    def test_the_text_says_the_same(self) -> None:
        assert selector("chat") == "gemma4.dev/deployment=chat"

    def test_labels_say_who_manages_and_for_whom(self) -> None:
        assert labels("chat")[MANAGED_BY_LABEL] == MANAGED_BY == "gemma4-operator"
        assert labels("chat")[OWNER_LABEL] == "chat"


class TestService:
    def test_its_port_is_the_users_and_leads_to_the_engines(self) -> None:
        service = walk(with_fields(VLLM, endpoint={"port": 80, "serviceType": "NodePort"})).service["spec"]
        assert service["type"] == "NodePort"
        assert service["ports"] == [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]


class TestDisruption:
    @pytest.mark.parametrize(
        ("replicas", "percent", "away"),
        [
            (1, 50, 1),
            (1, 100, 0),
            (1, 0, 1),
            (2, 50, 1),
            (3, 50, 1),
            (4, 50, 2),
            (4, 75, 1),
            (10, 99, 1),
            (10, 100, 0),
            (10, 0, 10),
            (0, 50, 1),
            (0, 100, 0),
        ],
    )
    def test_how_many_may_be_away(self, replicas: int, percent: int, away: int) -> None:
        """While nothing is rolled out; of the two numbers Kubernetes wants one above 0."""
        rendered = walk(with_fields(VLLM, replicas=replicas, disruption={"minAvailablePercent": percent}))
        numbers = {"maxSurge": 0 if away else 1, "maxUnavailable": away}
        assert rendered.deployment["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": numbers}
        assert rendered.budget["spec"]["maxUnavailable"] == away

    def test_a_pod_that_never_came_up_holds_no_node(self) -> None:
        assert walk(VLLM).budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"

    def test_no_replicas_is_a_number_and_not_an_absence(self) -> None:
        assert walk(with_fields(VLLM, replicas=0)).deployment["spec"]["replicas"] == 0

    @given(replicas=REPLICAS, percent=st.integers(min_value=0, max_value=99))
    def test_a_drain_always_ends_unless_all_must_stay(self, replicas: int, percent: int) -> None:
        assert Disruption(min_available_percent=percent).max_unavailable(replicas) >= 1

    @given(replicas=REPLICAS, percent=PERCENT)
    def test_what_must_stay_stays_wherever_more_than_one_may_go(self, replicas: int, percent: int) -> None:
        gone = Disruption(min_available_percent=percent).max_unavailable(replicas)
        assert gone <= 1 or (replicas - gone) * 100 >= replicas * percent

    @given(replicas=REPLICAS, lower=PERCENT, higher=PERCENT)
    def test_asking_for_more_never_takes_more_away(self, replicas: int, lower: int, higher: int) -> None:
        fewer, more = (
            Disruption(min_available_percent=percent).max_unavailable(replicas) for percent in sorted((lower, higher))
        )
        assert more <= fewer
