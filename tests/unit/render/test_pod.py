"""The pods: restricted, with a place for all that engines write, and with what they need of their node."""

from typing import Any

import pytest

from gemma4_operator.planner.plan import Plan
from tests.rendering import CLAIM, LLAMA_CPP, OLLAMA, ONE_OF_EACH, VLLM, env_of, gpus, plan_of, walk, with_fields
from tests.restricted import violations

CASES = pytest.mark.parametrize("case", ONE_OF_EACH)


class TestRestricted:
    @CASES
    def test_the_pod_keeps_the_standard(self, case: str) -> None:
        assert violations(walk(ONE_OF_EACH[case]).pod_spec) == []

    @CASES
    def test_it_goes_further_than_the_standard(self, case: str) -> None:
        pod = walk(ONE_OF_EACH[case]).pod_spec
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True

    @CASES
    def test_every_place_that_a_variable_names_is_mounted_and_can_be_written(self, case: str) -> None:
        pod = walk(ONE_OF_EACH[case]).pod_spec
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
            for name, value in env_of(container).items():
                if isinstance(value, str) and value.startswith("/") and name != "GEMMA4_FILE":
                    assert any(value == path or value.startswith(f"{path}/") for path in writable), name

    @CASES
    def test_tmp_can_be_written(self, case: str) -> None:
        assert "/tmp" in {mount["mountPath"] for mount in walk(ONE_OF_EACH[case]).engine["volumeMounts"]}

    @pytest.mark.parametrize(
        ("change", "broken"),
        [
            ({"hostNetwork": True}, "hostNetwork is true"),
            ({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "volume x is a hostPath"),
            ({"securityContext": {}}, "vllm may run as root"),
            ({"securityContext": {"runAsNonRoot": True}}, "vllm runs without seccomp"),
            ({"securityContext": {"runAsUser": 0}}, "pod runs as user 0"),
            ({"containers": [{"name": "x"}]}, "x may escalate privileges"),
            ({"containers": [{"name": "x"}]}, "x does not drop ALL capabilities"),
            ({"containers": [{"name": "x", "securityContext": {"privileged": True}}]}, "x is privileged"),
            ({"containers": [{"name": "x", "ports": [{"hostPort": 80}]}]}, "x takes a port of the host"),
        ],
    )
    def test_the_check_itself_sees_what_is_wrong(self, change: dict[str, Any], broken: str) -> None:
        assert broken in violations(walk(VLLM).pod_spec | change)


class TestPlacement:
    def test_the_chosen_gpu_becomes_an_affinity(self) -> None:
        pod = walk(with_fields(VLLM, placement={"gpuProducts": ["NVIDIA-L40S"]})).pod_spec
        required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert required == {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "nvidia.com/gpu.product", "operator": "In", "values": ["NVIDIA-L40S"]}]}
            ]
        }

    def test_nothing_else_narrows_the_nodes(self) -> None:
        assert not {"nodeSelector", "runtimeClassName"} & walk(VLLM).pod_spec.keys()

    def test_the_usual_taint_of_gpu_nodes_is_tolerated_and_the_users_come_after(self) -> None:
        usual = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
        own = {"key": "pool", "operator": "Equal", "value": "gpu"}
        assert walk(VLLM).pod_spec["tolerations"] == [usual]
        placed = with_fields(VLLM, placement={"tolerations": [usual, own]})
        assert walk(placed).pod_spec["tolerations"] == [usual, own]

    def test_node_labels_with_an_empty_value_stay(self) -> None:
        pod = walk(with_fields(VLLM, placement={"nodeSelector": {"gpu": ""}})).pod_spec
        assert pod["nodeSelector"] == {"gpu": ""}

    def test_pull_secrets_are_references(self) -> None:
        pod = walk(with_fields(VLLM, secrets={"imagePullSecrets": [{"name": "b"}, {"name": "a"}]})).pod_spec
        assert pod["imagePullSecrets"] == [{"name": "b"}, {"name": "a"}]


class TestResources:
    def test_gpus_are_requested_and_limited(self) -> None:
        resources = walk(with_fields(VLLM, placement={"gpusPerReplica": 2})).engine["resources"]
        assert resources["limits"] == {"nvidia.com/gpu": "2"}
        assert resources["requests"]["nvidia.com/gpu"] == "2"

    def test_only_the_engine_takes_gpus(self) -> None:
        (bringer,) = walk(OLLAMA).pod_spec["initContainers"]
        assert "limits" not in bringer["resources"]
        assert "nvidia.com/gpu" not in bringer["resources"]["requests"]

    @pytest.mark.parametrize(
        ("data", "memory"),
        [
            (LLAMA_CPP, "4393Mi"),  # 2 GiB + a tenth of 3.1 GB + 2 GiB in which prompts are kept
            (VLLM, "9316Mi"),  # 2 GiB + a tenth of 33.3 GB + 4 GiB of shared memory
            ({"model": {"variant": "31B", "quantization": "BF16"}}, "12109Mi"),
        ],
    )
    def test_memory_is_a_base_a_tenth_of_the_weights_and_what_lives_in_memory(
        self, data: dict[str, Any], memory: str
    ) -> None:
        assert walk(data).engine["resources"]["requests"]["memory"] == memory

    def test_memory_that_gpu_and_host_share_is_asked_for_in_full(self) -> None:
        """Or the scheduler would give it to other pods as well."""
        spark = plan_of({"model": {"variant": "31B", "quantization": "BF16"}}, gpus("NVIDIA-GB10", each=1))
        assert isinstance(spark, Plan)
        assert spark.host_memory_mib == spark.memory.total_mib > 60_000

    @CASES
    def test_nothing_but_gpus_is_limited(self, case: str) -> None:
        assert walk(ONE_OF_EACH[case]).engine["resources"]["limits"].keys() == {"nvidia.com/gpu"}


class TestSecrets:
    def test_secrets_are_references_for_the_kubelet(self) -> None:
        secrets = {"huggingFaceToken": {"name": "hub", "key": "token"}, "apiKey": {"name": "chat", "key": "key"}}
        variables = env_of(walk(with_fields(VLLM, secrets=secrets)).engine)
        assert variables["HF_TOKEN"] == {"secretKeyRef": {"name": "hub", "key": "token"}}
        assert variables["VLLM_API_KEY"] == {"secretKeyRef": {"name": "chat", "key": "key"}}

    @CASES
    def test_each_variable_is_there_once(self, case: str) -> None:
        env = [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "A", "value": ""}]
        engine = walk(with_fields(ONE_OF_EACH[case], engine={"env": env})).engine
        names = [item["name"] for item in engine["env"]]
        assert len(names) == len(set(names))
        assert env_of(engine)["HTTPS_PROXY"] == "http://proxy:3128"
        assert env_of(engine)["A"] == ""


class TestLife:
    @CASES
    def test_the_service_hears_of_the_end_before_the_engine_does(self, case: str) -> None:
        rendered = walk(ONE_OF_EACH[case])
        hook = rendered.engine["lifecycle"]["preStop"]
        pause = hook["sleep"]["seconds"] if "sleep" in hook else int(hook["exec"]["command"][4])
        assert 0 < pause < rendered.pod_spec["terminationGracePeriodSeconds"]

    @CASES
    def test_a_rollout_is_given_up_only_after_a_slow_start_and_a_slow_image(self, case: str) -> None:
        rendered = walk(ONE_OF_EACH[case])
        probe = rendered.engine["startupProbe"]
        budget = probe["periodSeconds"] * probe["failureThreshold"]
        assert rendered.deployment["spec"]["progressDeadlineSeconds"] >= max(budget, rendered.pod.start_seconds) + 600

    @CASES
    def test_all_three_probes_ask_the_port_by_its_name(self, case: str) -> None:
        engine = walk(ONE_OF_EACH[case]).engine
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = engine[probe].get("httpGet", {"port": "http"})
            assert asked["port"] == engine["ports"][0]["name"] == "http"

    def test_a_claim_is_mounted_read_only_twice_over(self) -> None:
        rendered = walk(CLAIM)
        volume = next(item for item in rendered.pod_spec["volumes"] if item["name"] == "weights")
        assert volume["persistentVolumeClaim"] == {"claimName": "weights", "readOnly": True}
        mount = next(item for item in rendered.engine["volumeMounts"] if item["name"] == "weights")
        assert mount["readOnly"] is True

    def test_shared_memory_is_memory(self) -> None:
        volume = next(item for item in walk(VLLM).pod_spec["volumes"] if item["name"] == "shm")
        assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "4096Mi"}
