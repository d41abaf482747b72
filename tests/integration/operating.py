"""The operator as a process of its own, under the ServiceAccount and the role that manifests/base gives it."""

import contextlib
import http.client
import os
import re
import secrets
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import psutil
import yaml

from tests.cluster import Cluster, wait_for
from tests.cluster.process import Program, Running, start

SYSTEM = "gemma4-system"
NAME = "gemma4-operator"
CRD = "gemma4deployments.gemma4.dev"

_ROOT = Path(__file__).parents[2]
_CRD_FILES = _ROOT / "crds"
_BASE = _ROOT / "manifests" / "base"
_NOT_APPLIED = {"kustomization.yaml", "deployment.yaml"}
_SERVES = re.compile(r"Health and metrics on (http://[^\s\"]+)")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def account(name: str = NAME) -> str:
    """Return the user that the audit log names for a ServiceAccount of the operator's namespace."""
    return f"system:serviceaccount:{SYSTEM}:{name}"


def install_crd(cluster: Cluster) -> None:
    """Install the kind Gemma4Deployment and return once the API server serves it."""
    cluster.apply(_CRD_FILES)

    # `kubectl wait` fails at once where it looks before the API server has written the first condition.
    def serves() -> bool:
        return cluster.kubectl("get", "g4d", "-A", check=False).returncode == 0

    wait_for(serves, 20, "the API server to serve the new kind")


def install(cluster: Cluster) -> None:
    """Install all of manifests/base but the Deployment: here the operator runs as a process of the test."""
    install_crd(cluster)
    documents = [
        yaml.safe_load(path.read_text())
        for path in sorted(_BASE.glob("*.yaml"), key=lambda path: (path.name != "namespace.yaml", path.name))
        if path.name not in _NOT_APPLIED
    ]
    cluster.apply(documents)


def add_account(cluster: Cluster, name: str) -> None:
    """Make a second account with the operator's own rights, so that the audit log tells two operators apart."""
    subject = {"kind": "ServiceAccount", "name": name, "namespace": SYSTEM}
    documents = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": SYSTEM}}]
    for file in ("clusterrolebinding.yaml", "rolebinding.yaml"):
        binding = yaml.safe_load((_BASE / file).read_text())
        where = {"namespace": SYSTEM} if "namespace" in binding["metadata"] else {}
        documents.append(binding | {"metadata": {"name": f"{name}-as-well", **where}, "subjects": [subject]})
    cluster.apply(documents)


def grant_lease(cluster: Cluster, lease: str, *, holder: str = NAME) -> None:
    """Let an account lead by a Lease of a test's own; returns once the API server goes by it.

    The operator's role names its own Lease alone, and stays as it is: this one is beside it, with the same verbs.
    """
    role = yaml.safe_load((_BASE / "role.yaml").read_text())
    metadata = {"name": f"{holder}-holds-{lease}", "namespace": SYSTEM}
    named = [rule | {"resourceNames": [lease]} for rule in role["rules"] if "resourceNames" in rule]
    binding = yaml.safe_load((_BASE / "rolebinding.yaml").read_text())
    binding["roleRef"]["name"] = metadata["name"]
    subject = {"kind": "ServiceAccount", "name": holder, "namespace": SYSTEM}
    cluster.apply(
        [role | {"metadata": metadata, "rules": named}, binding | {"metadata": metadata, "subjects": [subject]}]
    )
    wait_for(lambda: may_hold(cluster, lease, holder=holder), 20, f"the right of {holder} to hold {lease}")


def may_hold(cluster: Cluster, lease: str, *, holder: str = NAME) -> bool:
    """Whether an account may renew a Lease of the operator's namespace."""
    asked = ("auth", "can-i", "update", f"leases.coordination.k8s.io/{lease}", "-n", SYSTEM, f"--as={account(holder)}")
    return cluster.kubectl(*asked, check=False).stdout.strip() == "yes"


class OperatorProcess:
    """One operator, behind a guard that ends it with the test runner.

    A killed one that is started again keeps its identity and its Lease, as a container that the kubelet restarts does.

    Args:
        kubeconfig: Of the account whose rights it has.
        log: Everything it says goes to the end of this file.
        identity: Its name in the Lease.
        lease: Operators with the same Lease stand by for each other.
        settings: Further settings, by the names of their environment variables.
        module: What is run in the operator's place.
    """

    def __init__(
        self,
        kubeconfig: Path,
        *,
        log: Path,
        identity: str = "operator-0",
        lease: str = NAME,
        settings: Mapping[str, str] | None = None,
        module: str = "gemma4_operator",
    ) -> None:
        environment = {
            "KUBECONFIG": str(kubeconfig),
            "GEMMA4_IDENTITY": identity,
            "GEMMA4_LEASE_NAMESPACE": SYSTEM,
            "GEMMA4_LEASE_NAME": lease,
            "GEMMA4_HEALTH_PORT": "0",
        }
        variables = [f"{name}={value}" for name, value in {**environment, **(settings or {})}.items()]
        # What somebody's shell has set is no part of a test.
        unset = [word for name in os.environ if name.startswith("GEMMA4_") for word in ("-u", name)]
        command = ("/usr/bin/env", *unset, *variables, sys.executable, "-m", module)
        self._program = Program(name=identity, command=command, log=log, grace_seconds=25.0)
        self._running: Running | None = None
        self._log_start = 0
        self.identity = identity
        self.log_file = log

    def start(self) -> Self:
        """Start it, or start it again; returns at once."""
        self._log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
        self._running = start(self._program, guarded=True)
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def _guard(self) -> Running:
        assert self._running is not None, "the operator has not been started"
        return self._running

    @property
    def process(self) -> psutil.Process:
        """The operator itself, without the guard."""

        def child() -> psutil.Process | None:
            self._guard.require()
            return next(iter(psutil.Process(self._guard.identity.pid).children()), None)

        return wait_for(child, 20, "the guard to start the operator", interval_seconds=0.01)

    def alive(self) -> bool:
        """Whether it runs."""
        return self._running is not None and self._running.alive()

    def wait_leading(self, timeout_seconds: float = 20.0) -> Self:
        """Return once it leads and has listed everything."""
        return self._wait_ready("leading", timeout_seconds)

    def wait_standing_by(self, timeout_seconds: float = 20.0) -> Self:
        """Return once it stands by for the Lease of another."""
        return self._wait_ready("standing by", timeout_seconds)

    def _wait_ready(self, state: str, timeout_seconds: float) -> Self:
        def reached() -> bool:
            self._guard.require()
            code, text = self.readyz()
            return code == 200 and text.startswith(state)

        wait_for(reached, timeout_seconds, lambda: f"'{state}' of {self.identity}; its log ends:\n{self._guard.tail()}")
        return self

    def wait_end(self, timeout_seconds: float = 30.0) -> int:
        """Return its exit status once it has ended by itself."""
        wait_for(lambda: not self.alive(), timeout_seconds, lambda: f"the end of {self.identity}:\n{self.log()}")
        code = self._guard.exit_code()
        assert code is not None
        return code

    def kill(self) -> None:
        """End it without a warning, as a node that dies does."""
        if self._running is not None and self._running.alive():
            self._running.kill()

    def stop(self) -> int:
        """Ask it to end, as the kubelet does; returns its exit status."""
        self._guard.identity.signal(signal.SIGTERM)
        return self.wait_end(self._program.grace_seconds)

    def pause(self) -> None:
        """Freeze it, as a starved node does."""
        self.process.suspend()

    def resume(self) -> None:
        """Let it go on where it stood."""
        self.process.resume()

    def log(self) -> str:
        """Return what it has said since it was last started."""
        with self.log_file.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def whole_log(self) -> str:
        """Return what it has said since it was first started."""
        return self.log_file.read_text(errors="replace")

    def must_be_steady(self, *, ever: bool = False) -> None:
        """Fail with the lines about the first traceback of its log, since the log itself goes with the test."""
        first = self.stumble(ever=ever)
        if first:
            raise AssertionError(first)

    def stumble(self, *, ever: bool = False) -> str:
        """Return the lines about the first traceback of its log; empty: there is none.

        Args:
            ever: Since it was first started, and not only the last time.
        """
        lines = (self.whole_log() if ever else self.log()).splitlines()
        at = next((number for number, line in enumerate(lines) if "Traceback" in line), None)
        return "" if at is None else "\n".join(lines[max(0, at - 3) : at + 60])

    def readyz(self) -> tuple[int, str]:
        """Return status and text of /readyz; status 0 while nothing answers."""
        return self._ask("/readyz")

    def metrics(self) -> str:
        """Return /metrics."""
        return self._ask("/metrics")[1]

    def address(self) -> str:
        """Return host and port of /metrics; empty while it has not said so."""
        found = _SERVES.search(self.log())
        return found[1].removeprefix("http://") if found is not None else ""

    def _ask(self, path: str) -> tuple[int, str]:
        address = self.address()
        if not address:
            return 0, ""
        try:
            with _DIRECT.open(f"http://{address}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode().strip()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode().strip()
        except (OSError, http.client.HTTPException):
            return 0, ""

    def rss_mib(self) -> float:
        """Return its resident memory."""
        return float(self.process.memory_info().rss / 2**20)


class Kubelet:
    """Starts an operator again whenever it has ended, and counts how often."""

    def __init__(self, operator: OperatorProcess) -> None:
        self._operator = operator
        self.restarts = 0

    def wait_for(self, reached: Callable[[], bool], timeout_seconds: float, describe: str) -> None:
        """Return once something is reached, keeping the operator alive meanwhile."""

        def look() -> bool:
            if not self._operator.alive():
                self.restarts += 1
                self._operator.start()
            return reached()

        wait_for(look, timeout_seconds, lambda: f"{describe}; the operator says:\n{self._operator.log()[-2000:]}")


class Operators:
    """Makes operator processes for one test and ends them with it."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._folder = folder
        self._made = contextlib.ExitStack()
        self._count = 0

    def new(
        self,
        *,
        account: str = NAME,
        server: str | None = None,
        authority: Path | None = None,
        lease: str | None = None,
        module: str = "gemma4_operator",
        environment: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> OperatorProcess:
        """Return an operator that has been started.

        Args:
            account: The ServiceAccount whose rights it has.
            server: The API server's address, where it is not the real one.
            authority: The CA of that address.
            lease: Its Lease; a new one unless two shall share it.
            module: What is run in the operator's place.
            environment: Further variables.
            **settings: By name, such as `resync_seconds=5`.
        """
        self._count += 1
        identity = f"{account}-{self._count}"
        # A Lease that somebody else held would have to run out first.
        lease = lease or f"lease-{secrets.token_hex(4)}"
        # The account of a release is called as its Lease is, and its role names that one.
        if lease != account:
            grant_lease(self._cluster, lease, holder=account)
        operator = OperatorProcess(
            self._cluster.service_account_kubeconfig(SYSTEM, account, server=server, authority=authority),
            log=self._folder / f"{identity}.log",
            identity=identity,
            lease=lease,
            settings={
                **{f"GEMMA4_{name.upper()}": str(value) for name, value in settings.items()},
                **(environment or {}),
            },
            module=module,
        )
        return self._made.enter_context(operator)

    def end(self) -> None:
        """End all."""
        self._made.close()


__all__ = [
    "Kubelet",
    "OperatorProcess",
    "Operators",
    "account",
    "add_account",
    "grant_lease",
    "install",
    "install_crd",
    "may_hold",
]
