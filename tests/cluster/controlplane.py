"""The control plane's programs: with which arguments each runs, and when the API server counts as ready.

Nothing here is switched off that a real cluster has: RBAC and the node authorizer, Pod Security admission, garbage
collection and the scheduler are the real ones. Only durability is (etcd does not sync to disk).
"""

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import credentials
from tests.cluster.process import Program, Running

# So high that they never decide how fast a test goes.
_CLIENT_RATE = ("--kube-api-qps=2000", "--kube-api-burst=4000")


@dataclass(frozen=True)
class Settings:
    """What differs from one cluster to another."""

    bind_address: str = "127.0.0.1"
    """Where the API server listens; an address that pods can reach, if pods are to call it."""
    service_cidr: str = "10.96.0.0/16"
    pod_cidr: str = "10.244.0.0/16"
    admission_plugins: tuple[str, ...] = ()
    """Further ones; OwnerReferencesPermissionEnforcement is what OpenShift adds, for example."""
    apiserver_arguments: tuple[str, ...] = ()
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further users with static tokens: name to groups."""


@dataclass(frozen=True)
class Ports:
    """The ports of one cluster; controller-manager and scheduler serve nothing."""

    etcd: int
    etcd_peer: int
    apiserver: int


@dataclass(frozen=True)
class Layout:
    """Where a cluster keeps its files."""

    directory: Path

    @property
    def certificates(self) -> Path:
        return self.directory / "certificates"

    @property
    def authority(self) -> Path:
        # The server appends the CA to the certificate that it makes for itself.
        return self.certificates / "apiserver.crt"

    @property
    def signing_key(self) -> Path:
        return self.directory / "credentials" / "service-accounts.key"

    @property
    def tokens(self) -> Path:
        return self.directory / "credentials" / "tokens.csv"

    @property
    def audit_policy(self) -> Path:
        return self.directory / "credentials" / "audit-policy.json"

    @property
    def audit_log(self) -> Path:
        return self.directory / "audit.jsonl"

    def kubeconfig(self, name: str) -> Path:
        return self.directory / "kubeconfigs" / f"{name}.yaml"

    def log(self, name: str) -> Path:
        return self.directory / "logs" / f"{name}.log"


@dataclass(frozen=True)
class ControlPlane:
    """Says how each program of one cluster is run."""

    layout: Layout
    settings: Settings
    ports: Ports
    binaries: Mapping[str, Path]

    @property
    def server(self) -> str:
        address = self.settings.bind_address
        return f"https://{f'[{address}]' if ':' in address else address}:{self.ports.apiserver}"

    def etcd(self) -> Program:
        clients, peers = f"http://127.0.0.1:{self.ports.etcd}", f"http://127.0.0.1:{self.ports.etcd_peer}"
        return self._program(
            "etcd",
            f"--data-dir={self.layout.directory / 'etcd'}",
            "--unsafe-no-fsync",
            "--name=test",
            f"--initial-cluster=test={peers}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            "--log-level=warn",
        )

    def apiserver(self) -> Program:
        layout, settings = self.layout, self.settings
        return self._program(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.ports.etcd}",
            f"--cert-dir={layout.certificates}",
            f"--bind-address={settings.bind_address}",
            f"--secure-port={self.ports.apiserver}",
            *self._advertised(),
            f"--service-cluster-ip-range={settings.service_cidr}",
            "--authorization-mode=Node,RBAC",
            f"--enable-admission-plugins={','.join(('NodeRestriction', *settings.admission_plugins))}",
            f"--token-auth-file={layout.tokens}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={layout.signing_key}",
            f"--service-account-signing-key-file={layout.signing_key}",
            "--allow-privileged=true",
            # A node's name does not resolve here, and by default it is what logs and exec would call.
            "--kubelet-preferred-address-types=InternalIP,Hostname",
            f"--audit-policy-file={layout.audit_policy}",
            f"--audit-log-path={layout.audit_log}",
            "--audit-log-maxsize=0",  # never rotated: an offset into it stays good
            *settings.apiserver_arguments,
        )

    def _advertised(self) -> tuple[str, ...]:
        address = self.settings.bind_address
        if not address.startswith("127.") and address != "::1":
            return (f"--advertise-address={address}",)
        # No pod can reach a loopback address, so none is put into the service "kubernetes". Said explicitly, because
        # otherwise the server looks for a default route and refuses to start on a machine without a network.
        return (f"--advertise-address={address}", "--endpoint-reconciler-type=none")

    def controller_manager(self) -> Program:
        return self._program(
            "kube-controller-manager",
            f"--kubeconfig={self.layout.kubeconfig('kube-controller-manager')}",
            f"--service-account-private-key-file={self.layout.signing_key}",
            f"--root-ca-file={self.layout.authority}",
            "--leader-elect=false",
            "--secure-port=0",
            # Usually 15 s, which is long for a test.
            "--horizontal-pod-autoscaler-sync-period=1s",
            *_CLIENT_RATE,
        )

    def scheduler(self) -> Program:
        return self._program(
            "kube-scheduler",
            f"--kubeconfig={self.layout.kubeconfig('kube-scheduler')}",
            "--leader-elect=false",
            "--secure-port=0",
            *_CLIENT_RATE,
        )

    def _program(self, name: str, *arguments: str) -> Program:
        command = (str(self.binaries[name]), *arguments)
        # With a watch open, and there always is one, the API server would take a minute to end by itself.
        return Program(name=name, command=command, log=self.layout.log(name), grace_seconds=1.0)

    def write_credentials(self) -> list[credentials.User]:
        """Writes what the programs read when they start; kubeconfigs need the server's certificate and come later."""
        users = credentials.new_users(dict(self.settings.users))
        credentials.write_signing_key(self.layout.signing_key)
        credentials.write_tokens(self.layout.tokens, users)
        self.layout.audit_policy.write_text(json.dumps(_AUDIT_POLICY))
        return users

    def write_kubeconfigs(self, users: list[credentials.User]) -> None:
        authority = self.layout.authority.read_bytes()
        for user in users:
            text = credentials.kubeconfig(server=self.server, authority=authority, token=user.token)
            credentials.write_private(self.layout.kubeconfig(user.name.replace(":", "-")), text)


# One line for each request that was answered. A watch gets its line when it ends.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "omitManagedFields": True,
    "rules": [
        {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*"]},  # our own waiting is no news
        {"level": "Metadata"},
    ],
}


def await_ready(plane: ControlPlane, *, programs: list[Running], token: str, timeout_seconds: float = 240.0) -> None:
    """Returns once the API server says that it is ready; raises at once if a program that it needs ends."""
    deadline = time.monotonic() + timeout_seconds
    while not _ready(plane, token=token):
        for program in programs:
            program.require()
        if time.monotonic() > deadline:
            server = programs[-1]
            raise TimeoutError(
                f"{server.name} is not ready after {timeout_seconds:g} s; its log ends:\n{server.tail()}"
            )
        time.sleep(0.05)


def _ready(plane: ControlPlane, *, token: str) -> bool:
    request = urllib.request.Request(f"{plane.server}/readyz", headers={"Authorization": f"Bearer {token}"})
    try:
        context = ssl.create_default_context(cafile=plane.layout.authority)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except (OSError, http.client.HTTPException):  # no certificate yet, nobody listens yet, or cut off while starting
        return False
