"""The operator as in a pod: its token lies in a file that the kubelet writes anew before the old one runs out.

The file's path is fixed, so the process gets a mount namespace of its own in which that path is a folder of the test's.
That needs root, or user namespaces.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from gemma4_operator.kube.kinds import Kind
from tests.cluster import credentials
from tests.cluster.process import Program
from tests.faults.ground import Ground
from tests.integration.home import Home
from tests.integration.operating import NAME, SYSTEM, OperatorProcess, grant_lease

_SECRET = Kind(group="", version="v1", kind="Secret", plural="secrets")
_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


class InPod(OperatorProcess):
    """An operator with the account of its pod. A token is bound to a Secret, and is revoked with it."""

    def __init__(self, ground: Ground, home: Home) -> None:
        self._ground = ground
        self._objects = home.objects
        self._folder = ground.folder / f"pod-{secrets.token_hex(4)}"
        self._folder.mkdir()
        self._secret = ""
        self.old_kubeconfig = self._folder / "old.yaml"
        self._write_token()
        (self._folder / "ca.crt").write_bytes(ground.cluster.authority.read_bytes())
        lease = f"lease-{secrets.token_hex(4)}"
        grant_lease(ground.cluster, lease)
        super().__init__(Path("/nowhere"), log=self._folder / "log", lease=lease)
        self._program = self._in_pod(self._program)

    def _in_pod(self, program: Program) -> Program:
        address = urlsplit(self._ground.cluster.server)
        kept = [word for word in program.command[1:] if not word.startswith("KUBECONFIG=")]
        variables = [f"KUBERNETES_SERVICE_HOST={address.hostname}", f"KUBERNETES_SERVICE_PORT={address.port}"]
        # A tmpfs over /run: making the folder must leave no trace on this machine.
        script = (
            "export PATH=/usr/bin:/bin:/usr/sbin:/sbin && mount -t tmpfs none /run && "
            f'mkdir -p {_MOUNT} && mount --bind "$0" {_MOUNT} && exec "$@"'
        )
        user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
        inside = ("/bin/sh", "-c", script, str(self._folder), "/usr/bin/env", "-u", "KUBECONFIG", *variables, *kept)
        command = ("/usr/bin/unshare", *user, "--mount", "--", *inside)
        return Program(name=program.name, command=command, log=program.log, grace_seconds=program.grace_seconds)

    def renew_token(self) -> None:
        """Write another token into the file, and revoke the one before."""
        before = self._secret
        token = (self._folder / "token").read_text()
        text = credentials.kubeconfig(
            server=self._ground.cluster.server, authority=self._ground.cluster.authority.read_bytes(), token=token
        )
        credentials.write_private(self.old_kubeconfig, text)
        self._write_token()
        self._objects.delete(_SECRET, SYSTEM, before)

    def is_revoked(self) -> bool:
        """Whether the API server refuses the token before; it remembers for 10 s whom it has let in."""
        asked = self._ground.cluster.kubectl("auth", "whoami", kubeconfig=self.old_kubeconfig, check=False)
        return asked.returncode != 0

    def _write_token(self) -> None:
        self._secret = f"bound-{secrets.token_hex(4)}"
        self._objects.create(_SECRET, SYSTEM, {"metadata": {"name": self._secret}})
        bound = ("--bound-object-kind=Secret", f"--bound-object-name={self._secret}", "--duration=10m")
        token = self._ground.cluster.kubectl("create", "token", NAME, "-n", SYSTEM, *bound).stdout.strip()
        unfinished = self._folder / ".token"
        credentials.write_private(unfinished, token)
        unfinished.rename(self._folder / "token")
