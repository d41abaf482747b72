"""The user's patch: how it merges, and what it may not touch."""

from typing import Any

import pytest

from gemma4_operator.api.common import TEMPLATE_LABEL
from gemma4_operator.render.patch import PatchError
from tests.rendering import LLAMA_CPP, OLLAMA, ONE_OF_EACH, VLLM, Rendered, env_of, walk, with_fields


def patched(patch: dict[str, Any], base: dict[str, Any] = VLLM) -> Rendered:
    return walk(with_fields(base, podTemplatePatch=patch))


def engine_with(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "vllm", **fields}]}}


class TestMaps:
    def test_a_new_field_is_added(self) -> None:
        pod = patched({"spec": {"priorityClassName": "high"}}).pod_spec
        assert pod["priorityClassName"] == "high"

    def test_a_field_that_is_there_is_changed(self) -> None:
        assert (
            patched({"spec": {"terminationGracePeriodSeconds": 600}}).pod_spec["terminationGracePeriodSeconds"] == 600
        )

    def test_maps_merge_deeply(self) -> None:
        security = patched({"spec": {"securityContext": {"fsGroup": 1000}}}).pod_spec["securityContext"]
        assert (security["fsGroup"], security["runAsUser"]) == (1000, 65532)

    def test_null_removes_a_field(self) -> None:
        assert "fsGroup" not in patched({"spec": {"securityContext": {"fsGroup": None}}}).pod_spec["securityContext"]

    def test_null_for_what_is_not_there_changes_nothing(self) -> None:
        assert patched({"spec": {"hostname": None}}).template == walk(VLLM).template

    def test_null_inside_something_new_is_left_out(self) -> None:
        dns = patched({"spec": {"dnsConfig": {"options": None, "searches": ["a"]}}}).pod_spec["dnsConfig"]
        assert dns == {"searches": ["a"]}

    def test_labels_and_annotations_are_added(self) -> None:
        metadata = patched({"metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}}}).template["metadata"]
        before = walk(VLLM).template["metadata"]["labels"]
        # What bears the template's own hash is another one of another template.
        assert metadata["labels"] == {**before, "team": "a", TEMPLATE_LABEL: metadata["labels"][TEMPLATE_LABEL]}
        assert metadata["labels"][TEMPLATE_LABEL] != before[TEMPLATE_LABEL]
        assert metadata["annotations"] == {
            "kubectl.kubernetes.io/default-container": "vllm",
            "karpenter.sh/do-not-disrupt": "1131s",
            "prometheus.io/scrape": "true",
            "prometheus.io/port": "8000",
            "prometheus.io/path": "/metrics",
            "note": "b",
        }

    @pytest.mark.parametrize("word", ["env", "ports", "volumes", "containers", "volumeMounts"])
    def test_a_label_may_be_called_as_it_likes(self, word: str) -> None:
        patch = {"metadata": {"labels": {word: "prod"}}, "spec": {"nodeSelector": {word: "prod"}}}
        rendered = patched(patch)
        assert rendered.template["metadata"]["labels"][word] == "prod"
        assert rendered.pod_spec["nodeSelector"] == {word: "prod"}

    def test_annotations_may_all_go(self) -> None:
        assert "annotations" not in patched({"metadata": {"annotations": None}}).template["metadata"]


class TestLists:
    def test_a_container_of_the_same_name_is_merged(self) -> None:
        engine = patched(engine_with(resources={"limits": {"memory": "48Gi"}})).engine
        assert engine["resources"]["limits"] == {"nvidia.com/gpu": "1", "memory": "48Gi"}
        assert engine["image"] == walk(VLLM).engine["image"]

    def test_a_container_of_another_name_is_added(self) -> None:
        proxy = {"name": "proxy", "image": "a:1"}
        names = [item["name"] for item in patched({"spec": {"containers": [proxy]}}).pod_spec["containers"]]
        assert names == ["vllm", "proxy"]

    def test_an_init_container_is_added_after_the_operators(self) -> None:
        pod = patched({"spec": {"initContainers": [{"name": "warm", "image": "a:1"}]}}, OLLAMA).pod_spec
        assert [item["name"] for item in pod["initContainers"]] == ["bring-model", "warm"]

    def test_a_variable_of_the_same_name_is_replaced_whole(self) -> None:
        reference = {"configMapKeyRef": {"name": "cache", "key": "home"}}
        engine = patched(engine_with(env=[{"name": "HF_HOME", "valueFrom": reference}])).engine
        assert [item for item in engine["env"] if item["name"] == "HF_HOME"] == [
            {"name": "HF_HOME", "valueFrom": reference}
        ]

    def test_other_variables_stay_in_their_order(self) -> None:
        before, after = walk(VLLM).engine, patched(engine_with(env=[{"name": "HF_HOME", "value": "/x"}])).engine
        assert list(env_of(before)) == list(env_of(after))

    def test_a_volume_of_the_same_name_is_replaced_whole_so_a_claim_can_keep_the_cache(self) -> None:
        claim = {"name": "cache", "persistentVolumeClaim": {"claimName": "models"}}
        volumes = patched({"spec": {"volumes": [claim]}}).pod_spec["volumes"]
        assert volumes[0] == claim
        assert [volume["name"] for volume in volumes] == ["cache", "scratch", "tmp", "shm"]

    def test_a_mount_at_the_same_path_is_replaced(self) -> None:
        engine = patched(engine_with(volumeMounts=[{"mountPath": "/cache", "name": "scratch", "subPath": "c"}])).engine
        assert engine["volumeMounts"][0] == {"mountPath": "/cache", "name": "scratch", "subPath": "c"}
        assert len(engine["volumeMounts"]) == 4

    def test_another_port_is_added(self) -> None:
        ports = patched(engine_with(ports=[{"containerPort": 9090, "name": "metrics"}])).engine["ports"]
        assert [port["containerPort"] for port in ports] == [8000, 9090]

    def test_lists_without_names_are_replaced(self) -> None:
        assert patched({"spec": {"tolerations": [{"operator": "Exists"}]}}).pod_spec["tolerations"] == [
            {"operator": "Exists"}
        ]

    def test_arguments_are_replaced(self) -> None:
        assert patched(engine_with(args=["--help"])).engine["args"] == ["--help"]

    def test_an_empty_list_of_variables_changes_nothing(self) -> None:
        assert patched(engine_with(env=[])).template == walk(VLLM).template


class TestOtherObjects:
    def test_only_the_pods_are_patched(self) -> None:
        before, after = walk(VLLM), patched({"spec": {"priorityClassName": "high"}})
        assert (before.service, before.budget) == (after.service, after.budget)
        assert before.deployment["spec"]["selector"] == after.deployment["spec"]["selector"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a label of the operator": (
        {"metadata": {"labels": {"gemma4.dev/deployment": "other"}}},
        "`spec.podTemplatePatch.metadata.labels` must not change 'gemma4.dev/deployment', "
        "by which the operator knows its pods: leave it out.",
    ),
    "a common label that the operator sets": (
        {"metadata": {"labels": {"app.kubernetes.io/name": "other"}}},
        "`spec.podTemplatePatch.metadata.labels` must not change 'app.kubernetes.io/name', "
        "by which the operator knows its pods: leave it out.",
    ),
    "a label of the operator, removed": (
        {"metadata": {"labels": {"gemma4.dev/deployment": None}}},
        "`spec.podTemplatePatch.metadata.labels` must not change 'gemma4.dev/deployment', "
        "by which the operator knows its pods: leave it out.",
    ),
    "all labels removed": (
        {"metadata": {"labels": None}},
        "`spec.podTemplatePatch.metadata.labels` must not change 'app.kubernetes.io/component', "
        "by which the operator knows its pods: leave it out.",
    ),
    "labels that are no map": (
        {"metadata": {"labels": "x"}},
        "`spec.podTemplatePatch.metadata.labels` must be a map.",
    ),
    "an annotation under the operator's name": (
        {"metadata": {"annotations": {"gemma4.dev/new": "x"}}},
        "`spec.podTemplatePatch.metadata.annotations` must not change 'gemma4.dev/new', "
        "by which the operator knows its pods: leave it out.",
    ),
    "the host's network": (
        {"spec": {"hostNetwork": True}},
        "`spec.podTemplatePatch.spec.hostNetwork` must not be true: no engine needs the host's own.",
    ),
    "the host's processes": (
        {"spec": {"hostPID": True}},
        "`spec.podTemplatePatch.spec.hostPID` must not be true: no engine needs the host's own.",
    ),
    "the host's IPC": (
        {"spec": {"hostIPC": True}},
        "`spec.podTemplatePatch.spec.hostIPC` must not be true: no engine needs the host's own.",
    ),
    "somebody else's identity": (
        {"spec": {"serviceAccountName": "admin"}},
        "`spec.podTemplatePatch.spec.serviceAccountName` must be absent: no engine needs rights in the cluster.",
    ),
    "somebody else's identity by its old name": (
        {"spec": {"serviceAccount": "admin"}},
        "`spec.podTemplatePatch.spec.serviceAccount` must be absent: no engine needs rights in the cluster.",
    ),
    "a token": (
        {"spec": {"automountServiceAccountToken": True}},
        "`spec.podTemplatePatch.spec.automountServiceAccountToken` must be false, as it is without the patch: "
        "no engine needs rights in the cluster.",
    ),
    "a token in a volume": (
        {"spec": {"volumes": [{"name": "id", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]}},
        "`spec.podTemplatePatch.spec.volumes[id].projected.sources` must not have a `serviceAccountToken`: "
        "no engine needs rights in the cluster.",
    ),
    "a field that no patch may set": (
        {"spec": {"overhead": {"cpu": "1"}}},
        "`spec.podTemplatePatch.spec.overhead` must be absent: no patch may set this field.",
    ),
    "a user that is root": (
        engine_with(securityContext={"runAsUser": 0}),
        "`spec.podTemplatePatch.spec.containers[vllm].securityContext.runAsUser` must not be 0: "
        "an engine runs as any user but root.",
    ),
    "pods that cannot be deleted": (
        {"metadata": {"finalizers": ["example.com/never"]}},
        "`spec.podTemplatePatch.metadata.finalizers` must be absent: only labels and annotations can be added.",
    ),
    "a path of the host": (
        {"spec": {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}},
        "`spec.podTemplatePatch.spec.volumes[root]` must not be a `hostPath`: take a claim instead.",
    ),
    "a privileged engine": (
        engine_with(securityContext={"privileged": True}),
        "`spec.podTemplatePatch.spec.containers[vllm].securityContext.privileged` must not be true: "
        "no engine needs it.",
    ),
    "a privileged helper": (
        {"spec": {"initContainers": [{"name": "x", "securityContext": {"privileged": True}}]}},
        "`spec.podTemplatePatch.spec.initContainers[x].securityContext.privileged` must not be true: "
        "no engine needs it.",
    ),
    "no containers": (
        {"spec": {"containers": None}},
        "`spec.podTemplatePatch.spec.containers` must leave 'vllm' its port 'http', where requests arrive.",
    ),
    "no ports": (
        engine_with(ports=None),
        "`spec.podTemplatePatch.spec.containers` must leave 'vllm' its port 'http', where requests arrive.",
    ),
    "another name for the port": (
        engine_with(ports=[{"containerPort": 8000, "name": "web"}]),
        "`spec.podTemplatePatch.spec.containers` must leave 'vllm' its port 'http', where requests arrive.",
    ),
    "a second port of the name": (
        engine_with(ports=[{"containerPort": 9000, "name": "http"}]),
        "`spec.podTemplatePatch.spec.containers[vllm].ports` must not have another port named 'http'.",
    ),
    "a helper that would get the requests": (
        {"spec": {"containers": [{"name": "x", "ports": [{"containerPort": 80, "name": "http"}]}]}},
        "`spec.podTemplatePatch.spec.containers[x].ports` must not have another port named 'http'.",
    ),
    "containers that are no list": (
        {"spec": {"containers": {"vllm": {}}}},
        "`spec.podTemplatePatch.spec.containers` must be a list.",
    ),
    "new init containers that are no list": (
        {"spec": {"initContainers": "x"}},
        "`spec.podTemplatePatch.spec.initContainers` must be a list.",
    ),
    "a container without a name": (
        {"spec": {"containers": [{"image": "x"}]}},
        "`spec.podTemplatePatch.spec.containers[0]` must be an object with `name`, which tells the items apart.",
    ),
    "a variable that is a text": (
        engine_with(env=["A=1"]),
        "`spec.podTemplatePatch.spec.containers[0].env[0]` must be an object with `name`, which tells the items apart.",
    ),
    "a mount without a path": (
        engine_with(volumeMounts=[{"name": "cache"}]),
        "`spec.podTemplatePatch.spec.containers[0].volumeMounts[0]` must be an object with `mountPath`, "
        "which tells the items apart.",
    ),
}


class TestRefused:
    @pytest.mark.parametrize("case", REFUSED)
    def test_it_says_what_and_where(self, case: str) -> None:
        patch, sentence = REFUSED[case]
        with pytest.raises(PatchError) as caught:
            patched(patch)
        assert str(caught.value) == sentence
        assert sentence == f"`{caught.value.path}` {caught.value.message}"

    @pytest.mark.parametrize("field", ["hostNetwork", "hostPID", "hostIPC", "automountServiceAccountToken"])
    def test_what_is_off_may_be_said_to_be_off(self, field: str) -> None:
        assert patched({"spec": {field: False}})

    def test_the_operators_label_may_be_repeated(self) -> None:
        assert patched({"metadata": {"labels": {"gemma4.dev/deployment": "chat"}}})

    @pytest.mark.parametrize("base", ONE_OF_EACH)
    def test_the_engine_is_protected_under_whatever_name_it_runs(self, base: str) -> None:
        name = walk(ONE_OF_EACH[base]).engine["name"]
        with pytest.raises(PatchError, match=f"must leave '{name}' its port"):
            patched({"spec": {"containers": [{"name": name, "ports": None}]}}, ONE_OF_EACH[base])

    def test_another_engines_name_with_an_image_is_just_another_container(self) -> None:
        assert len(patched(engine_with(image="x"), LLAMA_CPP).pod_spec["containers"]) == 2
