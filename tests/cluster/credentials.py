"""Who may talk to a test cluster's API server: static tokens, the key that signs ServiceAccount tokens, kubeconfigs."""

import base64
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.errors import ClusterError

# All are masters, because what a test is about is the operator's rights; the names tell them apart in the audit log.
COMPONENTS = ("admin", "kube-controller-manager", "kube-scheduler", "kwok")


@dataclass(frozen=True)
class User:
    """A user who shows a static token."""

    name: str
    groups: tuple[str, ...]
    token: str


def new_users(extra: dict[str, tuple[str, ...]] | None = None) -> list[User]:
    """Makes the cluster's own users, and ``extra`` ones by name and groups (a kubelet's, say)."""
    wanted = dict.fromkeys(COMPONENTS, ("system:masters",)) | (extra or {})
    return [User(name=name, groups=groups, token=secrets.token_hex(16)) for name, groups in wanted.items()]


def write_tokens(path: Path, users: list[User]) -> None:
    """Writes the file for the API server's --token-auth-file."""
    lines = [f'{user.token},{user.name},{user.name},"{",".join(user.groups)}"\n' for user in users]
    write_private(path, "".join(lines))


def write_signing_key(path: Path) -> None:
    """Writes the private key that signs ServiceAccount tokens."""
    if shutil.which("openssl") is None:
        raise ClusterError("The test cluster needs the openssl command for a key: install the package openssl.")
    # An elliptic curve because its key is made in milliseconds.
    command = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"]
    write_private(path, subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def kubeconfig(*, server: str, authority: bytes, token: str, namespace: str = "default") -> str:
    """Returns the text of a kubeconfig that stands alone: the authority is inside it."""
    encoded = base64.b64encode(authority).decode()
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority-data": encoded}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        "current-context": "test",
    }
    return yaml.safe_dump(document, sort_keys=False)


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
