"""The door to a running cluster: what a test, or the command line, does with one.

``Cluster`` starts and stops it, talks to it with kubectl, hands out kubeconfigs with the rights of one ServiceAccount,
and tells from the audit log who has asked for what.
"""

import dataclasses
import secrets
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.cluster import audit, credentials
from tests.cluster.controlplane import Settings
from tests.cluster.errors import ClusterError
from tests.cluster.fakenodes import fake_gpu_node
from tests.cluster.kubectl import Kubectl, Object
from tests.cluster.runtime import Runtime
from tests.cluster.waiting import wait_for

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


class Cluster:
    """A control plane of its own: ``with Cluster.start(name="a", root=tmp_path) as cluster``."""

    def __init__(self, runtime: Runtime, *, temporary: Path | None = None) -> None:
        layout = runtime.plane.layout
        self._runtime = runtime
        self._temporary = temporary
        self.name: str = layout.directory.name
        self.directory: Path = layout.directory
        self.kubeconfig: Path = layout.kubeconfig("admin")
        self.authority: Path = layout.authority
        self.server: str = runtime.plane.server
        self._kubectl = Kubectl(
            binary=runtime.plane.binaries["kubectl"], kubeconfig=self.kubeconfig, cache=self.directory / "kubectl"
        )

    @classmethod
    def start(
        cls,
        *,
        name: str = "test",
        root: Path | None = None,
        bind_address: str = "127.0.0.1",
        guarded: bool = True,
        admission_plugins: Sequence[str] = (),
        apiserver_arguments: Sequence[str] = (),
        users: Mapping[str, Sequence[str]] | None = None,
    ) -> Self:
        """Returns once the API server is ready and the controllers run.

        Args:
            name: Names the cluster's folder below ``root``, which must not exist yet.
            root: Where that folder is made; without it, a temporary folder that is removed at the end.
            bind_address: Where the API server listens: one that pods can reach, if pods are to call it.
            guarded: Whether all must end with this process. Only a person's cluster lives on.
            admission_plugins: Further ones for the API server.
            apiserver_arguments: Further ones, or other values: the last one of a name counts.
            users: Further users with static tokens, by name with their groups; see ``user_kubeconfig``.
        """
        temporary = Path(tempfile.mkdtemp(prefix="gemma4-cluster-")) if root is None else None
        directory = (root or temporary or Path()).absolute() / name
        if directory.exists():
            raise ClusterError(f"{directory} exists already: choose another name, or remove it if nothing runs there.")
        settings = Settings(
            bind_address=bind_address,
            admission_plugins=tuple(admission_plugins),
            apiserver_arguments=tuple(apiserver_arguments),
            users={user: tuple(groups) for user, groups in (users or {}).items()},
        )
        try:
            cluster = cls(Runtime.launch(directory, settings=settings, guarded=guarded), temporary=temporary)
        except BaseException:
            if temporary:
                shutil.rmtree(temporary, ignore_errors=True)
            raise
        return cluster._settled()

    @classmethod
    def attach(cls, directory: Path) -> Self:
        """Returns the cluster that another process has started in a folder."""
        return cls(Runtime.attach(directory.absolute()))

    def _settled(self) -> Self:
        try:
            # The controllers are at work once they have made this; then namespaces and pods can be made at will.
            self._await_default_account("default")
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends all programs and returns when they are gone. The folder with logs stays, unless it is temporary."""
        self._runtime.stop()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def restart_apiserver(self) -> None:
        """Ends the API server, cutting every connection, and returns when it is ready again on the same port."""
        self.stop_apiserver()
        self.start_apiserver()

    def stop_apiserver(self) -> None:
        self._runtime.stop_apiserver()

    def start_apiserver(self) -> None:
        self._runtime.start_apiserver()

    def restart_etcd(self) -> None:
        """Kills etcd and starts it again; the API server reconnects by itself, some seconds later."""
        self._runtime.restart_etcd()

    def programs(self) -> dict[str, bool]:
        """Returns for each program whether it runs."""
        return self._runtime.summary()

    def kubectl(
        self,
        *arguments: str,
        stdin: str | None = None,
        check: bool = True,
        kubeconfig: Path | None = None,
        timeout_seconds: float = 300.0,
    ) -> subprocess.CompletedProcess[str]:
        """Runs kubectl as admin, or as whoever ``kubeconfig`` belongs to; ``check`` raises with what it said."""
        kubectl = dataclasses.replace(self._kubectl, kubeconfig=kubeconfig) if kubeconfig else self._kubectl
        return kubectl.run(*arguments, stdin=stdin, check=check, timeout_seconds=timeout_seconds)

    def apply(self, what: Object | Sequence[Object] | Path, *, namespace: str | None = None) -> None:
        """Applies, server-side, an object, several, or the files of a path."""
        self._kubectl.apply(what, namespace=namespace)

    def get(
        self, resource: str, name: str | None = None, namespace: str | None = None, *, selector: str | None = None
    ) -> dict[str, Any]:
        """Returns an object, or the List of all; without a namespace those of all namespaces."""
        return self._kubectl.get(resource, name, namespace, selector)

    def namespace(
        self, *, prefix: str = "test", name: str | None = None, labels: Mapping[str, str] | None = None
    ) -> str:
        """Makes a namespace, under the restricted Pod Security Standard unless ``labels`` say else; returns its name.

        Args:
            prefix: A new name begins with it.
            name: The name, where it must be this one and no new one.
            labels: The namespace's, in place of the standard's.
        """
        name = name or f"{prefix}-{secrets.token_hex(4)}"
        metadata = {"name": name, "labels": RESTRICTED if labels is None else dict(labels)}
        self._kubectl.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        self._await_default_account(name)
        return name

    def _await_default_account(self, namespace: str) -> None:
        # A pod made before the controllers have made this account is refused.
        def exists() -> bool:
            self._runtime.require()
            return self.kubectl("get", "serviceaccount", "default", "-n", namespace, check=False).returncode == 0

        wait_for(exists, 30, f"the ServiceAccount default of namespace {namespace}")

    def delete_namespace(self, name: str, *, wait: bool = False) -> None:
        self.kubectl("delete", "namespace", name, f"--wait={str(wait).lower()}", "--ignore-not-found")

    def add_fake_nodes(self, nodes: int | Sequence[Object] = 4, *, prefix: str = "gpu", **fake: Any) -> list[str]:
        """Adds nodes that KWOK plays, and returns their names once they are Ready.

        Args:
            nodes: Nodes made by ``fake_gpu_node``, or how many to make with its defaults and ``fake``.
            prefix: Names made here are this and a number.
            **fake: Arguments of ``fake_gpu_node``.
        """
        if isinstance(nodes, int):
            nodes = [fake_gpu_node(f"{prefix}-{number}", **fake) for number in range(nodes)]
        names = [str(node["metadata"]["name"]) for node in nodes]
        self._runtime.ensure_kwok()
        self._kubectl.create(*nodes)
        self.kubectl("wait", "node", *names, "--for=condition=Ready", "--timeout=240s")
        return names

    def remove_nodes(self, *names: str) -> None:
        self.kubectl("delete", "node", *names)

    def service_account_kubeconfig(
        self, namespace: str, name: str, server: str | None = None, authority: Path | None = None
    ) -> Path:
        """Returns a kubeconfig with a token of this ServiceAccount, and so with its rights and no others.

        Args:
            namespace: Where the account is; also the kubeconfig's default namespace.
            name: The account, which must exist.
            server: Another address, such as that of a fault proxy.
            authority: The CA of that address, if it is not the API server's.
        """
        token = self.kubectl("create", "token", name, "-n", namespace, "--duration=12h").stdout.strip()
        text = credentials.kubeconfig(
            server=server or self.server,
            authority=(authority or self.authority).read_bytes(),
            token=token,
            namespace=namespace,
        )
        path = self._runtime.plane.layout.kubeconfig(f"{namespace}.{name}.{secrets.token_hex(3)}")
        credentials.write_private(path, text)
        return path

    def user_kubeconfig(self, name: str) -> Path:
        """Returns the kubeconfig of a user given to ``start``."""
        return self._runtime.plane.layout.kubeconfig(name.replace(":", "-"))

    def audit_offset(self) -> int:
        """Returns where the log is now: what happens next is ``since`` this."""
        return audit.offset(self._runtime.plane.layout.audit_log)

    def audit_events(self, since: int = 0) -> list[dict[str, Any]]:
        """Returns audit.k8s.io/v1 events, one for each answered request; a watch has its event when it ends."""
        return audit.events(self._runtime.plane.layout.audit_log, since=since)

    def requests(
        self,
        *,
        user: str | None = None,
        verbs: Collection[str] | None = None,
        since: int = 0,
        namespace: str | None = None,
        include_leases: bool = True,
        include_refused: bool = True,
    ) -> Counter[audit.Request]:
        """Counts requests; ``.total()`` of the answer is their number, ``verbs=audit.WRITES`` counts writes.

        Args:
            user: The full name, such as ``system:serviceaccount:NAMESPACE:NAME``.
            verbs: As in RBAC rules.
            since: An ``audit_offset``.
            namespace: Of the object asked for.
            include_leases: Whether the heartbeats of leader election count.
            include_refused: Whether requests answered with an error count.
        """
        return audit.count(
            self.audit_events(since),
            user=user,
            verbs=verbs,
            namespace=namespace,
            include_leases=include_leases,
            include_refused=include_refused,
        )
