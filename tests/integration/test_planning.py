"""Plans on a real API server: chosen for the nodes there are, told in full, kept, and made as soon as they can be."""

from typing import Any

import pytest

from gemma4_operator.kube.kinds import DEPLOYMENT, PERSISTENT_VOLUME_CLAIM
from tests.cluster import Cluster, wait_for
from tests.integration.home import Home, faulty, notes, sample
from tests.integration.operating import Operators

H100 = "NVIDIA-H100-80GB-HBM3"


def test_everything_is_left_open_and_a_plan_is_made_and_told(home: Home, operator: object):
    home.create({**sample("chat"), "spec": {}})
    home.wait_ready("chat")
    plan = home.resource("chat")["status"]["plan"]
    assert (plan["gpuProduct"], plan["gpuResource"]) == (H100, "nvidia.com/gpu")
    assert plan["quality"] in ("Standard", "High", "Highest")
    assert plan["memory"]["totalMiB"] <= plan["memory"]["capacityMiB"]
    assert plan["predicted"]["timePerOutputTokenMicroseconds"] > 0
    assert float(plan["hourlyCost"]) > 0
    assert [licence["name"] for licence in plan["licences"]]
    assert 1 <= len(plan["alternatives"]) <= 5
    assert plan["why"].startswith(f"{plan['variant']} in {plan['quantization']} on {plan['engine']} with ")


def test_the_levers_of_the_plan_are_those_of_the_pod(home: Home, operator: object):
    home.create(sample("chat", on="VLLM", objectives={"timePerOutputTokenMilliseconds": 30}))
    home.wait_ready("chat")
    plan = home.resource("chat")["status"]["plan"]
    args = home.deployment("chat")["spec"]["template"]["spec"]["containers"][0]["args"]
    value = {flag: args[args.index(flag) + 1] for flag in ("--max-num-batched-tokens", "--max-num-seqs")}
    assert value == {
        "--max-num-batched-tokens": str(plan["maxBatchedTokens"]),
        "--max-num-seqs": str(plan["maxConcurrentRequests"]),
    }


def test_what_nothing_serves_is_told_with_what_would_help(home: Home, operator: object):
    home.create(sample("chat", objectives={"maximumHourlyCost": "0.10"}))
    ready = home.wait_reason("chat", "Infeasible")
    assert "`spec.objectives.maximumHourlyCost` is 0.10" in ready["message"]
    relaxations = {one["field"]: one for one in home.resource("chat")["status"]["plan"]["relaxations"]}
    limit = relaxations["spec.objectives.maximumHourlyCost"]["value"]
    home.edit("chat", objectives={"maximumHourlyCost": limit})
    home.wait_ready("chat")


def test_a_running_plan_outlives_the_operator_and_scaling(home: Home, operators: Operators):
    """Scaling asks for no other plan, and a new operator reads the old one back and writes nothing."""
    first = operators.new()
    first.wait_leading()
    home.create(sample("chat", on="VLLM"))
    home.wait_ready("chat")
    plan = home.resource("chat")["status"]["plan"]
    home.edit("chat", replicas=2)
    home.wait_ready("chat")
    assert home.resource("chat")["status"]["plan"] == plan
    home.wait_quiet()
    first.stop()
    offset = home.cluster.audit_offset()
    second = operators.new()
    second.wait_leading()
    home.wait_quiet()
    assert home.resource("chat")["status"]["plan"] == plan
    assert not home.writes(since=offset)


def test_a_plan_whose_gpus_are_gone_moves_to_those_that_are_free(home: Home, cluster: Cluster, operators: Operators):
    operators.new(unplaced_seconds=2, resync_seconds=5).wait_leading()
    pool, cheap, dear = {"pool": home.namespace}, f"cheap-{home.namespace}", f"dear-{home.namespace}"
    cluster.add_fake_nodes(1, prefix=cheap, product="NVIDIA-L4", memory_mib=23034, compute=(8, 9), labels=pool)
    cluster.add_fake_nodes(1, prefix=dear, product=H100, labels=pool)
    try:
        home.create(sample("chat", placement={"nodeSelector": pool}, suspend=True))
        home.wait_reason("chat", "Suspended")
        assert home.resource("chat")["status"]["plan"]["gpuProduct"] == "NVIDIA-L4"
        cluster.remove_nodes(f"{cheap}-0")
        home.edit("chat", suspend=False)
        # A scheduler that has not heard of it yet binds the pod to the node that is gone, and 40 s pass until it is
        # collected.
        home.wait_ready("chat", timeout_seconds=90)
        plan = home.resource("chat")["status"]["plan"]
        assert plan["gpuProduct"] == H100
        assert plan["notes"][0].startswith("Chosen anew, because the pods of the plan before")
        assert "Chosen anew" in wait_for(lambda: notes(home.events("chat"), "Planned"), 20, "an event about it")[0]
        home.wait_quiet()
    finally:
        cluster.remove_nodes(f"{dear}-0")


def test_a_plan_that_runs_out_of_memory_is_remade_leaner(home: Home, operator: object):
    """The engine's last words decide; a single crash is not yet one of the plan's."""
    home.create(sample("chat", on="VLLM", podTemplatePatch=faulty("GPUOutOfMemory")))
    before = home.wait_observed("chat")["status"]["plan"]
    assert "tries" not in before
    ready = home.wait_reason("chat", "GPUOutOfMemory")
    assert "CUDA out of memory" in ready["message"]
    after = wait_for(lambda: _tried(home.resource("chat")["status"]["plan"]), 30, "another plan")
    home.edit("chat", podTemplatePatch=None)
    home.wait_ready("chat")
    assert home.resource("chat")["status"]["plan"] == after
    assert after["notes"][0].startswith("Chosen anew, try 1 of 3, because the plan before, ")
    assert "try 1 of 3" in wait_for(lambda: notes(home.events("chat"), "Planned"), 20, "an event about it")[0]
    assert after["memory"]["capacityMiB"] < before["memory"]["capacityMiB"]
    home.wait_quiet()


def _tried(plan: dict[str, Any]) -> dict[str, Any] | None:
    return plan if plan.get("tries") == 1 else None


def test_a_new_node_makes_a_plan_possible(home: Home, cluster: Cluster, operator: object):
    home.create(sample("chat", placement={"nodeSelector": {"pool": home.namespace}}))
    ready = home.wait_reason("chat", "NoGPUs")
    assert "No node offers a GPU" in ready["message"]
    name = f"late-{home.namespace}"
    cluster.add_fake_nodes(1, prefix=name, product="NVIDIA-L4", memory_mib=23034, labels={"pool": home.namespace})
    try:
        home.wait_ready("chat")
        assert home.resource("chat")["status"]["plan"]["gpuProduct"] == "NVIDIA-L4"
    finally:
        cluster.remove_nodes(f"{name}-0")


@pytest.mark.usefixtures("collector")
def test_downloads_are_kept_on_a_claim_that_goes_with_the_resource(home: Home, operator: object):
    """Nothing makes volumes here, so the pod waits, and the status says what the claim's own events say of that."""
    home.create(sample("chat", cache={"claim": {"size": "100Gi", "storageClassName": "none"}}))
    wait_for(lambda: home.objects.get(PERSISTENT_VOLUME_CLAIM, home.namespace, "chat"), 10, "the claim")
    claim = home.child(PERSISTENT_VOLUME_CLAIM, "chat")
    assert claim["spec"]["resources"]["requests"]["storage"] == "100Gi"
    assert claim["metadata"]["ownerReferences"][0]["name"] == "chat"
    wait_for(lambda: home.objects.get(DEPLOYMENT, home.namespace, "chat"), 10, "the Deployment")
    volumes = home.deployment("chat")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "cache", "persistentVolumeClaim": {"claimName": "chat"}} in volumes
    # What was read of a pod serves for half a minute, and the claim's event may come just after it.
    waits = home.wait_reason(
        "chat", "VolumeClaimNotBound", 90, containing='storageclass.storage.k8s.io "none" not found'
    )
    assert "PersistentVolumeClaim 'chat': " in waits["message"]
    home.edit("chat", cache={"claim": {"size": "50Gi", "storageClassName": "none"}})
    wait_for(lambda: home.ready("chat").get("observedGeneration") == 2, 20, "the edit to be seen")
    assert home.ready("chat")["reason"] == "VolumeClaimNotBound", "no volume shrinks, and nobody is troubled with it"
    assert home.child(PERSISTENT_VOLUME_CLAIM, "chat")["spec"]["resources"]["requests"]["storage"] == "100Gi"
    home.edit("chat", cache={"claim": {"size": "100Gi", "storageClassName": "other"}})
    ready = home.wait_reason("chat", "ChildRejected")
    assert "persistentvolumeclaims" in ready["message"].lower() or "PersistentVolumeClaim" in ready["message"]
    home.delete("chat")
    wait_for(lambda: home.objects.get(PERSISTENT_VOLUME_CLAIM, home.namespace, "chat") is None, 20, "the claim to go")
