"""Rollouts on a real API server, watched without a gap: who serves goes on serving, and nothing waits for ever.

docs/guides/rollouts.md shows what the status says meanwhile.
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.kube.kinds import DEPLOYMENT, POD
from gemma4_operator.render.template import read_back, template_of
from gemma4_operator.runtime.rollouts import KEPT
from tests.cluster import Cluster, wait_for
from tests.cluster.fakenodes import FAULT_LABEL, READY_ANNOTATION
from tests.docs.blocks import blocks_of
from tests.docs.commands import commands
from tests.integration.home import Home, condition, faulty, is_ready, notes, sample
from tests.integration.objects import Object, Refused
from tests.integration.operating import Operators
from tests.integration.watching import PodWatch
from tests.unit.rollout.test_keep import of_another_release

pytestmark = pytest.mark.cluster

L4: dict[str, Any] = {"product": "NVIDIA-L4", "memory_mib": 23034, "compute": (8, 9)}
L40S: dict[str, Any] = {"product": "NVIDIA-L40S", "memory_mib": 46068, "compute": (8, 9)}
OTHER = {"env": [{"name": "SOMETHING", "value": "else"}]}
"""An edit of the engine that pods must be replaced for."""
IN_PLACE, WAITING = (
    found.shown
    for block in blocks_of("docs/guides/rollouts.md")
    if block.has_commands and "not run here" not in block.marks
    for found in commands(block.text)
)
"""What the guide shows of a rollout under way, and of one that waits."""

Pool = Callable[..., None]


@pytest.fixture
def pool(home: Home, cluster: Cluster) -> Iterator[Pool]:
    """Adds nodes that only this test's pods may go to."""
    added: list[str] = []

    def add(gpus: int, *, of: dict[str, Any] = L4, **more: Any) -> None:
        prefix = f"{home.namespace}-{len(added)}"
        added.extend(
            cluster.add_fake_nodes(1, prefix=prefix, count=gpus, labels={"pool": home.namespace}, **of, **more)
        )

    yield add
    if added:
        cluster.remove_nodes(*added)


def pooled(home: Home, *, slow: bool = False, **spec: Any) -> Object:
    """Return a deployment on the test's own nodes; `slow`: its pods take three seconds to serve."""
    placement = {"nodeSelector": {"pool": home.namespace}, **spec.pop("placement", {})}
    patience = {"metadata": {"annotations": {READY_ANNOTATION: "3"}}}
    return sample("chat", placement=placement, **({"podTemplatePatch": patience} if slow else {}), **spec)


def serve(home: Home, **spec: Any) -> None:
    """Make such a deployment, and return once it serves."""
    home.create(pooled(home, **spec))
    home.wait_ready("chat")


def says(home: Home, shown: str) -> bool:
    """Whether the status says what is shown, whenever it began and however long it should take."""
    said, told = (
        re.sub(r"(since|expects) \S+", r"\1 then", " ".join(one.split()))
        for one in (home.ready("chat")["message"], shown)
    )
    return said == told


@contextlib.contextmanager
def watched(home: Home) -> Iterator[PodWatch]:
    with PodWatch(home.objects, home.namespace) as watch:
        yield watch


def heal(home: Home) -> None:
    """Let pods that are never ready by their template be ready."""
    for pod in home.pods():
        if FAULT_LABEL in pod["metadata"]["labels"]:
            with contextlib.suppress(Refused):
                home.patch(POD, pod["metadata"]["name"], {"metadata": {"labels": {FAULT_LABEL: None}}})


def templates(home: Home) -> set[str]:
    return {
        pod["metadata"]["labels"][TEMPLATE_LABEL] for pod in home.pods() if "deletionTimestamp" not in pod["metadata"]
    }


def uids(home: Home) -> set[str]:
    return {pod["metadata"]["uid"] for pod in home.pods()}


@pytest.mark.usefixtures("operator")
class TestOrder:
    def test_new_pods_come_first_where_a_gpu_is_free(self, home: Home, pool: Pool):
        pool(3)
        serve(home, replicas=2)
        with watched(home) as watch:
            home.edit("chat", engine=OTHER)
            home.wait_ready("chat")
        assert watch.fewest_serving == 2
        assert watch.most_pods == 3
        usual = {"maxSurge": 0, "maxUnavailable": 1}
        wait_for(lambda: home.deployment("chat")["spec"]["strategy"]["rollingUpdate"] == usual, 20, f"{usual} again")

    def test_without_a_free_gpu_they_are_replaced_in_place(self, home: Home, pool: Pool):
        """What Kubernetes does by default waits here for ever. New pods load until somebody has seen what is said."""
        pool(2)
        serve(home, replicas=2)
        with watched(home) as watch:
            home.edit("chat", engine=OTHER, podTemplatePatch=faulty("NeverReady"))
            wait_for(lambda: says(home, IN_PLACE), 20, lambda: f"{IN_PLACE}; {home.ready('chat')}")

            def is_over() -> bool:
                heal(home)
                return is_ready(home.resource("chat"))

            wait_for(is_over, 30, lambda: f"the end of the rollout; {home.ready('chat')}")
        assert watch.fewest_serving == 1
        assert watch.most_pods == 2

    def test_even_a_single_one_is_replaced(self, home: Home, pool: Pool):
        pool(1)
        serve(home)
        before = templates(home)
        home.edit("chat", engine=OTHER)
        home.wait_ready("chat")
        assert templates(home).isdisjoint(before)

    def test_one_that_must_not_go_waits_and_says_for_what(self, home: Home, pool: Pool):
        pool(2)
        serve(home, replicas=2, disruption={"minAvailablePercent": 100})
        with watched(home) as watch:
            home.edit("chat", engine=OTHER)
            home.wait_reason("chat", "RolloutBlockedNoSpareGPU")
            wait_for(lambda: says(home, WAITING), 20, lambda: f"{WAITING}; {home.ready('chat')}")
            assert condition(home.resource("chat"), "Available")["status"] == "True"
            wait_for(lambda: notes(home.events("chat"), "RolloutBlockedNoSpareGPU"), 5, "an event")
            home.wait_quiet()
            pool(1)
            home.wait_ready("chat")
        assert watch.fewest_serving == 2

    def test_one_that_is_blocked_goes_on_once_a_pod_may_go(self, home: Home, pool: Pool):
        pool(1)
        serve(home, update={"strategy": "Surge"})
        home.edit("chat", engine=OTHER)
        ready = home.wait_reason("chat", "RolloutBlockedNoSpareGPU")
        assert "`spec.update.strategy` is 'Surge'" in ready["message"]
        home.edit("chat", update={"strategy": "Auto"})
        home.wait_ready("chat")

    def test_recreate_never_takes_a_second_gpu(self, home: Home, pool: Pool):
        pool(4)
        serve(home, replicas=2, update={"strategy": "Recreate"})
        with watched(home) as watch:
            home.edit("chat", engine=OTHER)
            home.wait_ready("chat")
        assert (watch.fewest_serving, watch.most_pods) == (1, 2)

    def test_a_gpu_that_only_seemed_free_does_not_hold_the_rollout(self, home: Home, pool: Pool):
        """The third pod finds a GPU and no memory: the scheduler knows better than we do."""
        pool(3, resources={"memory": "12Gi"})
        serve(home, replicas=2)
        memory = home.pods()[0]["spec"]["containers"][0]["resources"]["requests"]["memory"]
        assert int(memory.removesuffix("Mi")) > 4 * 1024, "three pods would fit"
        with watched(home) as watch:
            home.edit("chat", engine=OTHER)
            # The scheduler has its pauses, and they are waited for before an old pod goes.
            home.wait_ready("chat", timeout_seconds=90)
        assert watch.most_pods == 3
        assert watch.fewest_serving >= 1

    def test_pods_that_do_not_serve_go_first_whatever_must_stay(self, home: Home, pool: Pool):
        pool(1)
        home.create(pooled(home, disruption={"minAvailablePercent": 100}, podTemplatePatch=faulty("ImagePullBackOff")))
        home.wait_reason("chat", "ImageNotFound")
        home.edit("chat", podTemplatePatch=None)
        home.wait_ready("chat")


@pytest.mark.usefixtures("operator")
class TestChangesOfMind:
    def test_a_revert_in_the_middle_keeps_those_that_serve(self, home: Home, pool: Pool):
        pool(3)
        serve(home, replicas=2)
        before = uids(home)
        with watched(home) as watch:
            # The new pod loads until the change of mind, or it would have taken the place of an old one.
            home.edit("chat", engine=OTHER, podTemplatePatch=faulty("NeverReady"))
            wait_for(lambda: len(templates(home)) == 2, 10, "a new pod")
            home.edit("chat", engine={"env": None}, podTemplatePatch=None)
            home.wait_ready("chat")
        assert watch.fewest_serving == 2
        assert uids(home) == before

    def test_a_revert_of_one_that_went_half_way_is_a_rollout_like_another(self, home: Home, pool: Pool):
        pool(2)
        serve(home, replicas=2, slow=True)
        first = templates(home)
        with watched(home) as watch:
            home.edit("chat", engine=OTHER)
            wait_for(lambda: _ready_of(home, templates(home) - first), 20, "a new pod to serve")
            home.edit("chat", engine={"env": None})
            home.wait_ready("chat")
        assert watch.fewest_serving == 1
        assert templates(home) == first

    def test_a_plan_that_never_serves_takes_no_more_than_it_may(self, home: Home, pool: Pool):
        pool(4)
        serve(home, replicas=4)
        with watched(home) as watch:
            home.edit("chat", podTemplatePatch=faulty("OOMKilled"))
            home.wait_reason("chat", "HostOutOfMemory")
            time.sleep(2)
            home.edit("chat", podTemplatePatch=None)
            home.wait_ready("chat")
        assert watch.fewest_serving == 2

    def test_one_that_is_scaled_in_the_middle_ends_with_the_new_count(self, home: Home, pool: Pool):
        pool(4)
        serve(home, replicas=3, slow=True)
        with watched(home) as watch:
            home.edit("chat", engine=OTHER)
            wait_for(lambda: len(templates(home)) == 2, 10, "a new pod")
            home.edit("chat", replicas=4)
            home.wait_ready("chat")
        assert watch.fewest_serving >= 2
        assert home.resource("chat")["status"]["serving"] == "4/4"


def _ready_of(home: Home, wanted: set[str]) -> bool:
    return any(
        condition(pod, "Ready").get("status") == "True" and pod["metadata"]["labels"][TEMPLATE_LABEL] in wanted
        for pod in home.pods()
    )


@pytest.mark.usefixtures("operator")
class TestOtherPlans:
    def test_another_engine_and_variant_come_without_an_outage(self, home: Home, pool: Pool):
        pool(3)
        serve(home, replicas=2)
        with watched(home) as watch:
            home.edit("chat", engine={"type": "VLLM"}, model={"variant": "E4B", "quantization": "FP8"})
            home.wait_ready("chat")
        assert watch.fewest_serving == 2
        plan = home.resource("chat")["status"]["plan"]
        assert (plan["engine"], plan["variant"]) == ("VLLM", "E4B")

    def test_another_gpu_comes_without_an_outage(self, home: Home, pool: Pool):
        pool(2, of=L4)
        pool(2, of=L40S)
        serve(home, replicas=2, placement={"gpuProducts": ["NVIDIA-L4"]})
        with watched(home) as watch:
            home.edit("chat", placement={"gpuProducts": ["NVIDIA-L40S"]})
            home.wait_ready("chat")
        assert watch.fewest_serving == 2
        assert home.resource("chat")["status"]["plan"]["gpuProduct"] == "NVIDIA-L40S"

    def test_old_pods_are_not_given_up_for_gpus_that_they_do_not_hold(self, home: Home, pool: Pool):
        """One of two finds another GPU. For the other one to go would free nothing that the new pod can use."""
        pool(2, of=L4)
        pool(1, of=L40S)
        serve(home, replicas=2, placement={"gpuProducts": ["NVIDIA-L4"]})
        with watched(home) as watch:
            home.edit("chat", placement={"gpuProducts": ["NVIDIA-L40S"]})
            home.wait_reason("chat", "RolloutBlockedNoSpareGPU")
            words = "no node that fits would have room even without them"
            wait_for(lambda: words in home.ready("chat")["message"], 20, lambda: f"'{words}'; {home.ready('chat')}")
            home.wait_quiet()
            pool(1, of=L40S)
            home.wait_ready("chat")
        assert watch.fewest_serving == 2

    def test_another_name_for_clients_comes_without_an_outage(self, home: Home, pool: Pool):
        pool(2)
        serve(home)
        with watched(home) as watch:
            home.edit("chat", endpoint={"servedModelName": "assistant"})
            home.wait_ready("chat")
        assert watch.fewest_serving == 1
        assert home.resource("chat")["status"]["endpoint"]["model"] == "assistant"


class TestOperators:
    def test_one_that_dies_in_the_middle_leaves_the_rollout_to_the_next(
        self, home: Home, pool: Pool, operators: Operators
    ):
        pool(3)
        operator = operators.new(resync_seconds=5).wait_leading()
        serve(home, replicas=2, slow=True)
        before = templates(home)
        with watched(home) as watch:
            home.edit("chat", engine=OTHER)
            wait_for(lambda: len(templates(home)) == 2, 10, "a new pod")
            operator.kill()
            operator.start()
            home.wait_ready("chat", timeout_seconds=40)
        assert watch.fewest_serving == 2
        assert templates(home).isdisjoint(before)
        assert home.objects.list(POD, home.namespace)


class TestUpgrade:
    @pytest.fixture
    def served_before(self, home: Home, operators: Operators) -> Object:
        """A Deployment and its pod as another release has made them, and no operator."""
        before = operators.new(resync_seconds=5).wait_leading()
        home.create(sample("chat"))
        home.wait_ready("chat")
        before.stop()
        live = home.deployment("chat")
        other = of_another_release({"metadata": live["metadata"], "spec": {"template": _applied(live)}})
        metadata = {"name": "chat", "annotations": other["metadata"]["annotations"]}
        spec = {name: live["spec"][name] for name in ("replicas", "selector", "strategy")}
        home.objects.apply(
            DEPLOYMENT,
            home.namespace,
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": metadata | {"labels": live["metadata"]["labels"], "ownerReferences": _owners(live)},
                "spec": {**spec, "template": other["spec"]["template"]},
            },
            manager="gemma4-operator",
        )
        wait_for(lambda: templates(home) == {template_of(other)} and _ready_of(home, templates(home)), 20, "its pod")
        return home.deployment("chat")

    def test_a_new_operator_moves_no_pod_of_another_release(
        self, home: Home, served_before: Object, operators: Operators
    ):
        before = uids(home)
        operators.new(resync_seconds=5).wait_leading()
        wait_for(lambda: KEPT in home.ready("chat")["message"], 20, lambda: f"'{KEPT}'; {home.ready('chat')}")
        home.wait_quiet(seconds=3)
        assert uids(home) == before
        after = home.deployment("chat")
        assert after["spec"]["template"] == served_before["spec"]["template"]
        assert after["metadata"]["generation"] - served_before["metadata"]["generation"] <= 1

    def test_what_is_kept_is_repaired_scaled_and_one_day_replaced(
        self, home: Home, served_before: Object, operators: Operators
    ):
        kept = templates(home)
        operators.new(resync_seconds=5).wait_leading()
        home.wait_ready("chat")
        edit = {"spec": {"template": {"spec": {"containers": [{"name": "llama-server", "image": "other:1"}]}}}}
        home.patch(DEPLOYMENT, "chat", edit)
        wait_for(
            lambda: home.deployment("chat")["spec"]["template"] == served_before["spec"]["template"], 10, "the repair"
        )
        home.edit("chat", replicas=2)
        home.wait_ready("chat")
        assert templates(home) == kept
        home.edit("chat", update={"onOperatorUpgrade": "Roll"})
        home.wait_ready("chat")
        assert templates(home).isdisjoint(kept)
        assert KEPT not in home.ready("chat")["message"]
        assert "OF_ANOTHER_RELEASE" not in str(home.deployment("chat"))

    def test_a_new_wish_brings_the_new_release(self, home: Home, served_before: Object, operators: Operators):
        operators.new(resync_seconds=5).wait_leading()
        home.wait_ready("chat")
        home.edit("chat", endpoint={"servedModelName": "assistant"})
        home.wait_ready("chat")
        assert "OF_ANOTHER_RELEASE" not in str(home.deployment("chat"))


def _applied(live: Object) -> Object:
    template = read_back(live)
    assert template is not None
    return template


def _owners(live: Object) -> list[Object]:
    owners: list[Object] = live["metadata"]["ownerReferences"]
    return owners
