"""The test cluster is a real one where it claims to be, and cleans up after itself.

docs/guides/local-cluster.md shows how a person starts one and ends it.
"""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster, ClusterError, ports, wait_for
from tests.cluster.audit import WRITES, Request
from tests.cluster.fakenodes import FAULT_LABEL, READY_ANNOTATION

pytestmark = pytest.mark.cluster

RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def template(*, gpus: int = 1, labels: dict[str, str] | None = None, **annotations: str) -> dict[str, Any]:
    limits = {"nvidia.com/gpu": str(gpus)}
    return {
        "metadata": {"labels": {"app": "x", **(labels or {})}, "annotations": annotations},
        "spec": {
            "initContainers": [{"name": "fetch", "image": "registry.test/fetch:1", "securityContext": RESTRICTED}],
            "containers": [
                {
                    "name": "server",
                    "image": "registry.test/server:1",
                    "securityContext": RESTRICTED,
                    "resources": {"limits": limits},
                }
            ],
        },
    }


def pod(name: str, **options: Any) -> dict[str, Any]:
    made = template(**options)
    made["metadata"]["name"] = name
    return {"apiVersion": "v1", "kind": "Pod", **made}


def deployment(name: str, *, replicas: int, **options: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "x"}}, "template": template(**options)},
    }


def condition(found: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((each for each in found["status"].get("conditions", []) if each["type"] == kind), {})


def started(cluster: Cluster, namespace: str, name: str = "p", **options: Any) -> None:
    cluster.apply(pod(name, **options), namespace=namespace)


class TestRights:
    @pytest.fixture
    def account(self, cluster: Cluster, namespace: str) -> Path:
        cluster.kubectl("create", "serviceaccount", "nobody", "-n", namespace)
        return cluster.service_account_kubeconfig(namespace, "nobody")

    def test_an_account_without_a_role_is_refused(self, cluster: Cluster, namespace: str, account: Path) -> None:
        with pytest.raises(ClusterError, match=rf'Forbidden.*"system:serviceaccount:{namespace}:nobody" cannot list'):
            cluster.kubectl("get", "pods", kubeconfig=account)

    def test_a_role_gives_what_it_says_and_no_more(self, cluster: Cluster, namespace: str, account: Path) -> None:
        cluster.kubectl("create", "role", "reader", "--verb=list", "--resource=pods", "-n", namespace)
        cluster.kubectl(
            "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:nobody", "-n", namespace
        )
        cluster.kubectl("get", "pods", kubeconfig=account)
        assert cluster.kubectl("get", "secrets", kubeconfig=account, check=False).returncode != 0

    def test_requests_of_an_account_are_counted(self, cluster: Cluster, namespace: str, account: Path) -> None:
        since = cluster.audit_offset()
        user = f"system:serviceaccount:{namespace}:nobody"
        manifest = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}'
        cluster.kubectl("create", "-f", "-", stdin=manifest, kubeconfig=account, check=False)
        write = Request(verb="create", resource="configmaps")
        wait_for(lambda: cluster.requests(user=user, verbs=WRITES, since=since)[write] == 1, 5, "the refused write")
        assert cluster.requests(user=user, verbs=WRITES, since=since, include_refused=False).total() == 0
        assert cluster.requests(user="admin", verbs=WRITES, since=since)[write] == 0

    def test_pod_security_is_enforced(self, cluster: Cluster, namespace: str) -> None:
        loose = pod("loose")
        del loose["spec"]["containers"][0]["securityContext"]
        with pytest.raises(ClusterError, match='violates PodSecurity "restricted:latest"'):
            cluster.apply(loose, namespace=namespace)


class TestFakeNodes:
    def test_a_gpu_deployment_becomes_available(self, cluster: Cluster, namespace: str) -> None:
        cluster.apply(deployment("d", replicas=3, gpus=2), namespace=namespace)
        cluster.kubectl("wait", "deployment/d", "--for=condition=Available", "--timeout=240s", "-n", namespace)
        pods = cluster.get("pods", namespace=namespace)["items"]
        assert len({found["status"]["podIP"] for found in pods}) == 3
        assert {found["spec"]["nodeName"][:4] for found in pods} == {"gpu-"}

    def test_readiness_comes_when_the_annotation_says(self, cluster: Cluster, namespace: str) -> None:
        begun = time.monotonic()
        started(cluster, namespace, **{READY_ANNOTATION: "4"})
        cluster.kubectl("wait", "pod/p", "--for=condition=Ready", "--timeout=240s", "-n", namespace)
        assert time.monotonic() - begun >= 3.5
        found = cluster.get("pod", "p", namespace)
        ran = found["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
        ready = condition(found, "Ready")["lastTransitionTime"]
        # Whole seconds of KWOK's clock.
        assert datetime.fromisoformat(ready) - datetime.fromisoformat(ran) >= timedelta(seconds=3), "it ran before"

    def test_an_unschedulable_pod_has_the_schedulers_words(self, cluster: Cluster, namespace: str) -> None:
        started(cluster, namespace, gpus=9)
        scheduled = wait_for(lambda: condition(cluster.get("pod", "p", namespace), "PodScheduled"), 20, "the scheduler")
        assert scheduled["reason"] == "Unschedulable"
        assert "Insufficient nvidia.com/gpu" in scheduled["message"]

    def test_deleted_pods_go_at_once_but_for_finalizers(self, cluster: Cluster, namespace: str) -> None:
        held = pod("held")
        held["metadata"]["finalizers"] = ["gemma4.dev/held"]
        cluster.apply([held, pod("free")], namespace=namespace)
        cluster.kubectl("wait", "pod", "held", "free", "--for=condition=Ready", "--timeout=240s", "-n", namespace)
        cluster.kubectl("delete", "pod", "held", "free", "--wait=false", "-n", namespace)
        cluster.kubectl("wait", "pod/free", "--for=delete", "--timeout=240s", "-n", namespace)
        assert cluster.get("pod", "held", namespace)["metadata"]["deletionTimestamp"]
        cluster.kubectl("patch", "pod", "held", "-n", namespace, "-p", '{"metadata": {"finalizers": null}}')
        cluster.kubectl("wait", "pod/held", "--for=delete", "--timeout=240s", "-n", namespace)

    def test_a_job_completes(self, cluster: Cluster, namespace: str) -> None:
        made = template()
        made["spec"]["restartPolicy"] = "Never"
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": made}}
        cluster.apply(job, namespace=namespace)
        cluster.kubectl("wait", "job/j", "--for=condition=Complete", "--timeout=240s", "-n", namespace)


class TestFaults:
    def waiting(self, cluster: Cluster, namespace: str, which: str, reason: str) -> dict[str, Any]:
        def status() -> dict[str, Any] | None:
            found = cluster.get("pod", "p", namespace)
            first = found["status"].get(which, [{}])[0]
            return found if first.get("state", {}).get("waiting", {}).get("reason") == reason else None

        return wait_for(status, 20, lambda: f"{reason} in {cluster.get('pod', 'p', namespace)['status']}")

    def test_never_ready(self, cluster: Cluster, namespace: str) -> None:
        started(cluster, namespace, labels={FAULT_LABEL: "NeverReady"})
        wait_for(lambda: cluster.get("pod", "p", namespace)["status"]["phase"] == "Running", 10, "the pod to run")
        time.sleep(2)
        found = cluster.get("pod", "p", namespace)
        assert condition(found, "Ready")["status"] == "False"
        assert condition(found, "Ready")["message"] == "containers with unready status: [server]"
        assert "running" in found["status"]["containerStatuses"][0]["state"]

    def test_image_pull(self, cluster: Cluster, namespace: str) -> None:
        started(cluster, namespace, labels={FAULT_LABEL: "ImagePullBackOff"})
        found = self.waiting(cluster, namespace, "containerStatuses", "ImagePullBackOff")
        assert found["status"]["phase"] == "Pending"
        message = found["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
        assert message.startswith('Back-off pulling image "registry.test/server:1": ErrImagePull: rpc error:')

    def test_out_of_memory(self, cluster: Cluster, namespace: str) -> None:
        started(cluster, namespace, labels={FAULT_LABEL: "OOMKilled"})
        found = self.waiting(cluster, namespace, "containerStatuses", "CrashLoopBackOff")
        assert found["status"]["phase"] == "Running"
        server = found["status"]["containerStatuses"][0]
        assert server["restartCount"] >= 1
        assert server["lastState"]["terminated"]["exitCode"] == 137
        assert server["lastState"]["terminated"]["reason"] == "OOMKilled"
        wait_for(
            lambda: cluster.get("pod", "p", namespace)["status"]["containerStatuses"][0]["restartCount"] >= 2,
            30,
            "the second restart",
            interval_seconds=1,
        )

    def test_init_container(self, cluster: Cluster, namespace: str) -> None:
        started(cluster, namespace, labels={FAULT_LABEL: "InitFailed"})
        found = self.waiting(cluster, namespace, "initContainerStatuses", "CrashLoopBackOff")
        assert found["status"]["phase"] == "Pending"
        assert found["status"]["initContainerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1
        assert condition(found, "Initialized")["message"] == "containers with incomplete status: [fetch]"
        assert found["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"

    @pytest.mark.parametrize("fault", ["NeverReady", "ImagePullBackOff", "OOMKilled", "InitFailed"])
    def test_taking_the_label_off_heals(self, cluster: Cluster, namespace: str, fault: str) -> None:
        started(cluster, namespace, labels={FAULT_LABEL: fault})
        time.sleep(2)
        assert condition(cluster.get("pod", "p", namespace), "Ready").get("status") != "True"
        cluster.kubectl("label", "pod", "p", f"{FAULT_LABEL}-", "-n", namespace)
        cluster.kubectl("wait", "pod/p", "--for=condition=Ready", "--timeout=240s", "-n", namespace)

    @pytest.mark.parametrize("fault", ["NeverReady", "OOMKilled"])
    def test_a_ready_pod_can_be_broken(self, cluster: Cluster, namespace: str, fault: str) -> None:
        started(cluster, namespace)
        cluster.kubectl("wait", "pod/p", "--for=condition=Ready", "--timeout=240s", "-n", namespace)
        cluster.kubectl("label", "pod", "p", f"{FAULT_LABEL}={fault}", "-n", namespace)
        cluster.kubectl("wait", "pod/p", "--for=condition=Ready=False", "--timeout=240s", "-n", namespace)


@pytest.fixture(scope="class")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A second cluster beside the shared one, for tests that would disturb others."""
    with Cluster.start(name="other", root=tmp_path_factory.mktemp("cluster")) as running:
        yield running


class TestPrograms:
    def test_two_clusters_do_not_see_each_other(self, cluster: Cluster, other: Cluster) -> None:
        mine = other.namespace()
        assert other.server != cluster.server
        assert cluster.kubectl("get", "namespace", mine, check=False).returncode != 0
        assert other.get("nodes")["items"] == []

    def test_the_api_server_restarts_with_its_data(self, other: Cluster) -> None:
        mine = other.namespace()
        before = other.server
        other.restart_apiserver()
        assert other.server == before
        assert other.get("namespace", mine)["metadata"]["name"] == mine
        other.namespace()  # the controllers have come back to it
        assert all(other.programs().values())

    def test_a_stopped_api_server_refuses_until_it_is_started(self, other: Cluster) -> None:
        other.stop_apiserver()
        assert "refused" in other.kubectl("get", "namespaces", check=False).stderr
        other.start_apiserver()
        other.kubectl("get", "namespaces")

    def test_a_folder_is_not_used_twice(self, other: Cluster) -> None:
        with pytest.raises(ClusterError, match="exists already"):
            Cluster.start(name=other.name, root=other.directory.parent)


def test_a_port_taken_meanwhile_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = ports.reserve
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        lock = os.open(os.devnull, os.O_RDONLY)
        stolen = [[ports.Reservation(port=stranger.getsockname()[1], lock=lock)]]

        def unlucky(count: int, *, address: str = "127.0.0.1") -> list[ports.Reservation]:
            return stolen.pop() if count == 1 and stolen else reserve(count, address=address)

        monkeypatch.setattr(ports, "reserve", unlucky)
        with Cluster.start(name="unlucky", root=tmp_path) as running:
            assert not stolen
            assert not running.server.endswith(f":{stranger.getsockname()[1]}")


def mentioning(text: str) -> list[str]:
    """The command lines of all processes that have ``text`` in them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and path.parent.name != str(os.getpid()):
            found.append(line)
    return found


def test_a_killed_runner_leaves_nothing_behind(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from tests.cluster import Cluster
        cluster = Cluster.start(name="doomed", root=Path({str(tmp_path)!r}))
        cluster.add_fake_nodes(1)
        print("up", flush=True)
        time.sleep(600)
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "up\n"
        assert len(mentioning(f"{tmp_path}/doomed")) >= 5
        runner.send_signal(signal.SIGKILL)
    wait_for(lambda: not mentioning(f"{tmp_path}/doomed"), 5, lambda: f"an end of {mentioning(str(tmp_path))}")


def test_a_persons_cluster_outlives_its_command(tmp_path: Path) -> None:
    environ = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}

    def command(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tests.cluster", *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        line = command("up", "--name", "mine", "--fake-nodes", "1")
        assert line.startswith("export KUBECONFIG=")
        assert "mine\trunning" in command("status")
        assert command("up", "--name", "mine") == line
        cluster = Cluster.attach(tmp_path / "gemma4-operator" / "clusters" / "mine")
        assert [node["metadata"]["name"] for node in cluster.get("nodes")["items"]] == ["gpu-0"]
    finally:
        command("down", "--name", "mine")
    assert mentioning(str(tmp_path)) == []
    assert command("status") == "no cluster runs\n"
