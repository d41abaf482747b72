"""Planning verbs against a cluster: a small HTTP server plays the API server, the kubeconfig is a real file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from gemma4_operator.cli import cluster
from gemma4_operator.cli.access import Access
from gemma4_operator.cli.main import main
from gemma4_operator.kube import connect
from tests.cluster.fakenodes import fake_gpu_node

CHAT = {
    "apiVersion": "gemma4.dev/v1alpha1",
    "kind": "Gemma4Deployment",
    "metadata": {"name": "chat", "namespace": "team-a"},
    "spec": {"model": {"variant": "E4B"}},
}
CHAT_PATH = "/apis/gemma4.dev/v1alpha1/namespaces/team-a/gemma4deployments/chat"


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "7"}, "items": items}


def pod_on(node: str, *, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "metadata": {"name": "busy", "namespace": "team-a", "labels": labels},
        "spec": {"nodeName": node, "containers": [{"resources": {"limits": {"nvidia.com/gpu": "1"}}}]},
    }


CRASHED_STATUS = {
    "phase": "Running",
    "containerStatuses": [
        {
            "name": "vllm",
            "ready": False,
            "restartCount": 3,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
        }
    ],
}
POD_PATH = "/api/v1/namespaces/team-a/pods/chat-1"
LOG_PATH = f"{POD_PATH}/log?container=vllm&tailLines=200&limitBytes=1048576&timestamps=true"
LOG_BEFORE_PATH = LOG_PATH.replace("&timestamps", "&previous=true&timestamps")
EVENTS_PATH = (
    "/apis/events.k8s.io/v1/namespaces/team-a/events?fieldSelector=regarding.kind%3DPod,regarding.name%3Dchat-1"
)


class ApiServer:
    """Answers by path; what it does not know is a 404, as the real one writes it."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {
            "/api/v1/nodes": (200, listed(fake_gpu_node("gpu-1"))),
            "/api/v1/pods": (200, listed()),
            CHAT_PATH: (200, CHAT),
        }
        self.agents: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.agents.add(self.headers["User-Agent"])
                missing = {"kind": "Status", "reason": "NotFound", "message": "the server could not find it"}
                code, body = outer.answers.get(self.path, (404, missing))
                data = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True


@pytest.fixture
def api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """Return a server that the current kubeconfig names."""
    fake = ApiServer()
    thread = Thread(target=lambda: fake.server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    use_kubeconfig(tmp_path, monkeypatch, f"http://127.0.0.1:{fake.server.server_port}")
    yield fake
    fake.server.shutdown()
    fake.server.server_close()
    thread.join()


def use_kubeconfig(folder: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    text = yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "it", "cluster": {"server": server}}],
            "users": [{"name": "it", "user": {}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "current-context": "it",
        }
    )
    (folder / "kubeconfig").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))


def chat_file(folder: Path) -> str:
    (folder / "chat.yaml").write_text(yaml.safe_dump(CHAT))
    return str(folder / "chat.yaml")


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    printed = capsys.readouterr()
    assert printed.err == ""
    found: dict[str, Any] = json.loads(printed.out)
    return found


def test_a_file_is_planned_on_the_clusters_nodes(
    api_server: ApiServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["plan", "-f", chat_file(tmp_path), "-o", "json"]) == 0
    assert answer(capsys)["plan"]["gpuProduct"] == "NVIDIA-H100-80GB-HBM3"
    assert api_server.agents == {"gemma4"}


@pytest.mark.parametrize("verb", ["plan", "explain", "render"])
def test_a_deployment_of_the_cluster_is_taken_by_its_name(
    verb: str, api_server: ApiServer, capsys: pytest.CaptureFixture[str]
):
    assert main([verb, "chat", "-n", "team-a", "-o", "json"]) == 0
    assert "team-a" in json.dumps(answer(capsys))


def test_gpus_that_others_use_are_not_free(api_server: ApiServer, capsys: pytest.CaptureFixture[str]):
    api_server.answers["/api/v1/pods"] = (200, listed(pod_on("gpu-1", labels={}), pod_on("gpu-1", labels={})))
    api_server.answers["/api/v1/nodes"] = (200, listed(fake_gpu_node("gpu-1", count=2)))
    assert main(["plan", "chat", "-n", "team-a", "-o", "json"]) == 0
    assert any("free" in note for note in answer(capsys)["plan"]["notes"])


def test_its_own_pods_would_make_room(api_server: ApiServer, capsys: pytest.CaptureFixture[str]):
    own = pod_on("gpu-1", labels={"gemma4.dev/deployment": "chat"})
    api_server.answers["/api/v1/pods"] = (200, listed(own, own))
    api_server.answers["/api/v1/nodes"] = (200, listed(fake_gpu_node("gpu-1", count=2)))
    assert main(["plan", "chat", "-n", "team-a", "-o", "json"]) == 0
    assert "notes" not in answer(capsys)["plan"]


def test_a_cluster_without_gpus_is_infeasible_and_says_what_to_add(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
):
    api_server.answers["/api/v1/nodes"] = (200, listed({"metadata": {"name": "cpu-1"}}))
    assert main(["plan", "chat", "-n", "team-a", "-o", "json"]) == 3
    told = answer(capsys)
    assert (told["feasible"], told["reason"]) == (False, "NoGPUs")
    assert told["relaxations"][0]["field"] == "nodes"


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


def test_no_such_deployment(api_server: ApiServer, capsys: pytest.CaptureFixture[str]):
    assert fails(["explain", "chat"], capsys) == (
        "gemma4: `NAME` must be a Gemma4Deployment of the namespace 'default', and it has no 'chat': "
        "name another namespace with `-n`\n"
    )


def test_what_may_not_be_listed(api_server: ApiServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    refusal = {"kind": "Status", "reason": "Forbidden", "message": 'nodes is forbidden: User "eve" cannot list'}
    api_server.answers["/api/v1/nodes"] = (403, refusal)
    message = fails(["plan", "-f", chat_file(tmp_path)], capsys)
    assert message.startswith("gemma4: the cluster cannot be asked: ")
    assert message.endswith(". Or give `--inventory`.\n")
    assert "nodes is forbidden" in message


def test_a_cluster_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    use_kubeconfig(tmp_path, monkeypatch, "http://127.0.0.1:9")
    message = fails(["plan", "-f", chat_file(tmp_path)], capsys)
    assert message.startswith("gemma4: the cluster cannot be asked: no answer")
    assert message.endswith(". Or give `--inventory`.\n")


KUBECONFIGS = {
    "empty": "",
    "a word": "hello",
    "without a context": "{}",
    "broken": "a: [",
    "of a context that is not there": "apiVersion: v1\nkind: Config\ncurrent-context: gone\n",
    "of a context without a user": (
        "clusters: [{name: a, cluster: {server: https://127.0.0.1:9}}]\n"
        "contexts: [{name: a, context: {cluster: a}}]\ncurrent-context: a\n"
    ),
    "of a context without a cluster": "contexts: [{name: a}]\ncurrent-context: a\n",
}


@pytest.mark.parametrize("which", KUBECONFIGS)
def test_a_kubeconfig_that_cannot_be_used(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "kubeconfig").write_text(KUBECONFIGS[which])
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    message = fails(["explain", "chat"], capsys)
    assert message.startswith("gemma4: the kubeconfig cannot be used: ")
    assert message.endswith(". Or give `-f`.\n")


def test_no_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert fails(["plan", "-f", chat_file(tmp_path)], capsys) == (
        "gemma4: there is no cluster to ask, neither by a ServiceAccount token nor by the file "
        f"'{tmp_path / 'none'}': set KUBECONFIG, or run in a cluster. Or give `--inventory`.\n"
    )


def crashed(api_server: ApiServer) -> None:
    api_server.answers[POD_PATH] = (200, {"metadata": {"name": "chat-1"}, "status": CRASHED_STATUS})
    api_server.answers[EVENTS_PATH] = (200, listed())
    api_server.answers[LOG_PATH] = (200, "INFO starting\ntorch.OutOfMemoryError: CUDA out of memory.\n")


def test_a_pod_is_diagnosed_with_the_log_of_the_container_that_ended(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
):
    crashed(api_server)
    assert main(["diagnose", "chat-1", "-n", "team-a", "-o", "json"]) == 0
    assert answer(capsys)["reason"] == "GPUOutOfMemory"


def test_a_container_that_was_started_again_meanwhile_is_asked_for_its_run_before(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
):
    """A pod's status is some moments old: the log is that of a run that has said nothing yet, or not the cause."""
    ran = {"startedAt": "2026-11-30T11:58:00Z", "finishedAt": "2026-11-30T11:59:00Z"}
    crashed(api_server)
    pod = json.loads(json.dumps(api_server.answers[POD_PATH][1]))
    pod["status"]["containerStatuses"][0]["lastState"]["terminated"] |= ran
    api_server.answers[POD_PATH] = (200, pod)
    cause = "2026-11-30T11:58:59.5Z torch.OutOfMemoryError: CUDA out of memory.\n"
    for now in ("", "2026-11-30T11:59:20.1Z INFO starting\n"):
        api_server.answers |= {LOG_PATH: (200, now), LOG_BEFORE_PATH: (200, cause)}
        assert main(["diagnose", "chat-1", "-n", "team-a", "-o", "json"]) == 0
        assert answer(capsys)["reason"] == "GPUOutOfMemory"
    # One that said nothing, and was not started again.
    none = {"kind": "Status", "reason": "BadRequest", "message": "previous terminated container not found"}
    api_server.answers |= {LOG_PATH: (200, ""), LOG_BEFORE_PATH: (400, none)}
    assert main(["diagnose", "chat-1", "-n", "team-a", "-o", "json"]) == 0
    assert answer(capsys)["reason"] == "EngineCrashed"


def events_path(namespace: str, kind: str, name: str) -> str:
    selector = f"regarding.kind%3D{kind},regarding.name%3D{name}"
    return f"/apis/events.k8s.io/v1/namespaces/{namespace}/events?fieldSelector={selector}"


def test_why_a_volume_is_not_made_is_known_from_the_claims_events(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
):
    said = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    volumes = [{"name": "weights", "persistentVolumeClaim": {"claimName": "models"}}]
    claim = {"kind": "PersistentVolumeClaim", "name": "models"}
    why = 'storageclass.storage.k8s.io "fast" not found'
    api_server.answers |= {
        POD_PATH: (
            200,
            {"metadata": {"name": "chat-1"}, "spec": {"volumes": volumes}, "status": {"conditions": [condition]}},
        ),
        EVENTS_PATH: (200, listed()),
        events_path("team-a", "PersistentVolumeClaim", "models"): (
            200,
            listed({"reason": "ProvisioningFailed", "note": why, "regarding": claim}),
        ),
    }
    assert main(["diagnose", "chat-1", "-n", "team-a", "-o", "json"]) == 0
    found = answer(capsys)
    assert found["reason"] == "VolumeClaimNotBound"
    assert f"PersistentVolumeClaim 'models': {why}" in found["message"]


def test_what_happened_to_the_node_is_read_where_it_may_be(api_server: ApiServer, capsys: pytest.CaptureFixture[str]):
    crashed(api_server)
    pod = {**api_server.answers[POD_PATH][1], "spec": {"nodeName": "gpu-1"}}
    fault = {
        "reason": "XidError",
        "note": "NVRM: Xid (PCI:0000:17:00): 79, GPU has fallen off the bus.",
        "regarding": {"kind": "Node", "name": "gpu-1"},
    }
    path = events_path("default", "Node", "gpu-1")
    forbidden = (403, {"kind": "Status", "reason": "Forbidden", "message": "eve may not"})
    api_server.answers |= {POD_PATH: (200, pod), LOG_PATH: (200, "INFO starting\n"), path: (200, listed(fault))}
    assert main(["diagnose", "chat-1", "-n", "team-a", "-o", "json"]) == 0
    assert "GPU has fallen off the bus" in answer(capsys)["message"]
    api_server.answers[path] = forbidden
    assert main(["diagnose", "chat-1", "-n", "team-a", "-o", "json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["reason"] == "EngineCrashed"
    assert printed.err.startswith("gemma4: the events about the Node 'gpu-1' do not count, since they cannot be read: ")


def test_a_download_that_stands_still_is_told_as_the_operator_tells_it(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
):
    began, last = datetime.now(UTC) - timedelta(seconds=720), datetime.now(UTC) - timedelta(seconds=650)
    status = {"name": "vllm", "ready": False, "state": {"running": {"startedAt": began.isoformat()}}}
    pod = {"metadata": {"name": "chat-1"}, "status": {"phase": "Running", "containerStatuses": [status]}}
    said = "model-00001-of-00002.safetensors:  45%|####5     | 4.1G/9.0G [03:12<04:00, 21.1MB/s]"
    api_server.answers |= {
        POD_PATH: (200, pod),
        EVENTS_PATH: (200, listed()),
        LOG_PATH: (200, f"{last.isoformat()} {said}\n"),
    }
    assert main(["diagnose", "chat-1", "-n", "team-a", "-o", "json"]) == 0
    found = answer(capsys)
    assert found["reason"] == "DownloadStalled"
    assert "45%" in found["message"]


def test_what_of_a_pod_may_not_be_read_is_told_and_the_rest_counts(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
):
    crashed(api_server)
    for path in (EVENTS_PATH, LOG_PATH):
        api_server.answers[path] = (403, {"kind": "Status", "reason": "Forbidden", "message": "eve may not"})
    assert main(["diagnose", "chat-1", "-n", "team-a", "-o", "json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["reason"] == "EngineCrashed"
    events, log = printed.err.splitlines()
    assert events.startswith("gemma4: the events about the Pod 'chat-1' do not count, since they cannot be read: ")
    assert log.startswith("gemma4: the log of container 'vllm' does not count, since it cannot be read: ")


def test_a_node_that_does_not_give_the_log_hides_nothing_else(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
):
    crashed(api_server)
    refused = 'Get "https://10.0.0.7:10250/containerLogs/team-a/chat-1/vllm": connect: connection refused'
    api_server.answers[LOG_PATH] = (500, {"kind": "Status", "reason": "InternalError", "message": refused})
    assert main(["diagnose", "chat-1", "-n", "team-a", "-o", "json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["reason"] == "EngineCrashed"
    assert printed.err == f"gemma4: the log of container 'vllm' does not count, since it cannot be read: {refused}\n"


def test_no_such_pod(api_server: ApiServer, capsys: pytest.CaptureFixture[str]):
    assert fails(["diagnose", "chat-9"], capsys) == (
        "gemma4: `POD` must be a pod of the namespace 'default', and it has no 'chat-9': "
        "name another namespace with `-n`\n"
    )


def test_the_doctor_needs_a_cluster_that_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    use_kubeconfig(tmp_path, monkeypatch, "http://127.0.0.1:9")
    message = fails(["doctor"], capsys)
    assert message.startswith("gemma4: the cluster cannot be asked: no")
    assert message.endswith(". Or give a kubeconfig of another cluster.\n")


def named_context(name: str, server: str, *, namespace: str = "", current: bool = True) -> dict[str, Any]:
    context = {"cluster": name, "user": name, **({"namespace": namespace} if namespace else {})}
    return {
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": {"token": "secret"}}],
        "contexts": [{"name": name, "context": context}],
        **({"current-context": name} if current else {}),
    }


class TestKubeconfig:
    """Files and contexts as kubectl takes them; `dead` is one whose cluster does not answer."""

    @pytest.fixture
    def files(self, api_server: ApiServer, tmp_path: Path) -> dict[str, str]:
        alive = f"http://127.0.0.1:{api_server.server.server_port}"
        configs = {
            "dead": named_context("dead", "http://127.0.0.1:9"),
            "alive": named_context("alive", alive, namespace="team-a", current=False),
        }
        for name, content in configs.items():
            (tmp_path / f"{name}.config").write_text(yaml.safe_dump(content))
        return {name: str(tmp_path / f"{name}.config") for name in configs}

    @pytest.mark.parametrize("order", [("dead", "alive"), ("alive", "dead")])
    def test_several_files_are_one(
        self,
        order: tuple[str, str],
        files: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ):
        monkeypatch.setenv("KUBECONFIG", ":".join(files[name] for name in order))
        assert main(["plan", "chat", "--context", "alive", "-o", "json"]) == 0
        assert answer(capsys)["namespace"] == "team-a"
        assert "no answer" in fails(["plan", "chat"], capsys)

    @pytest.mark.parametrize(
        "verb", [["plan", "chat"], ["explain", "chat"], ["render", "chat"], ["diagnose", "chat-1"]]
    )
    def test_a_file_and_a_context_that_are_named(
        self, verb: list[str], api_server: ApiServer, files: dict[str, str], capsys: pytest.CaptureFixture[str]
    ):
        crashed(api_server)
        assert main([*verb, "--kubeconfig", files["alive"], "--context", "alive", "-o", "json"]) == 0
        assert answer(capsys)

    def test_the_doctor_takes_them_too(self, files: dict[str, str], capsys: pytest.CaptureFixture[str]):
        message = fails(["doctor", "--kubeconfig", files["dead"]], capsys)
        assert "the cluster cannot be asked: no answer" in message

    def test_what_a_file_names_no_namespace_for_is_in_the_contexts(
        self, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        (tmp_path / "chat.yaml").write_text(yaml.safe_dump({**CHAT, "metadata": {"name": "chat"}}))
        arguments = ["plan", "-f", str(tmp_path / "chat.yaml"), "--kubeconfig", files["alive"], "--context", "alive"]
        assert main([*arguments, "-o", "json"]) == 0
        assert answer(capsys)["namespace"] == "team-a"
        assert main([*arguments, "-n", "team-b", "-o", "json"]) == 0
        assert answer(capsys)["namespace"] == "team-b"

    def test_a_context_that_is_not_there(self, files: dict[str, str], capsys: pytest.CaptureFixture[str]):
        assert fails(["plan", "chat", "--kubeconfig", files["dead"], "--context", "prod"], capsys) == (
            "gemma4: `--context` must be one of the kubeconfig, and it has no context 'prod', only dead\n"
        )

    def test_a_file_that_is_not_there(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        gone = str(tmp_path / "gone")
        assert fails(["plan", "chat", "--kubeconfig", gone], capsys) == (
            f"gemma4: `--kubeconfig` must be a file, and there is no file '{gone}'\n"
        )

    def test_in_a_pod_its_own_namespace_is_the_usual_one(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.delenv("KUBECONFIG", raising=False)
        for name, text in (("token", "secret"), ("namespace", "team-c\n")):
            (tmp_path / name).write_text(text)
        for module in (connect, cluster):
            monkeypatch.setattr(module, "SERVICE_ACCOUNT", tmp_path / "token")
        assert cluster.usual_namespace(Access(), instead="`-f`") == "team-c"


def test_without_a_cluster_no_kubeconfig_changes_a_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "kubeconfig").write_text("a: [")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    (tmp_path / "nodes.json").write_text(json.dumps(fake_gpu_node("gpu-1")))
    (tmp_path / "chat.yaml").write_text(yaml.safe_dump({**CHAT, "metadata": {"name": "chat"}}))
    arguments = ["plan", "-f", str(tmp_path / "chat.yaml"), "--inventory", str(tmp_path / "nodes.json")]
    assert main([*arguments, "-o", "json"]) == 0
    assert answer(capsys)["namespace"] == "default"
