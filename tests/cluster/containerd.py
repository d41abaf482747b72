"""A containerd of the node's own, in a mount namespace of its own.

Everything that containerd, its shims and kubelet mount exists only in that namespace and ends with the last of them.
The fixed places that they insist on (/var/lib/kubelet, /run/containerd and the like) are there folders of the node.
"""

import json
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.process import Program
from tests.cluster.real import shell

PRIVATE = ("/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods")
"""Places of the machine that are the node's own folders inside the namespace."""
SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "gemma4.test/pause:1"
_NAMESPACE = "k8s.io"
"""Where containerd keeps what belongs to Kubernetes."""


@dataclass(frozen=True)
class Containerd:
    """How one node's containerd is run and spoken to."""

    directory: Path
    bridge: str
    subnet: str
    gateway: str
    entrance: Path
    """The cgroup.procs file through which it, and so all that it starts, is counted."""

    def program(self) -> Program:
        """Writes the configuration and returns what to start."""
        for folder in (self._state, self._cni, *self._private().values()):
            folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(self.configuration())
        (self._cni / "10-bridge.conflist").write_text(json.dumps(self.network(), indent=2))
        script = self.directory / "containerd.sh"
        script.write_text(self.script())
        return Program(
            name="containerd",
            command=(shell.find("sh"), str(script)),
            log=self.directory / "logs" / "containerd.log",
        )

    @property
    def _config(self) -> Path:
        return self.directory / "containerd.toml"

    @property
    def _cni(self) -> Path:
        return self.directory / "cni"

    @property
    def _state(self) -> Path:
        return self.directory / "containerd"

    @property
    def pid_file(self) -> Path:
        """Holds the pid of a process in the namespace once all is mounted."""
        return self.directory / "containerd.pid"

    def _private(self) -> dict[str, Path]:
        return {place: self.directory / "private" / place.strip("/").replace("/", "-") for place in PRIVATE}

    def script(self) -> str:
        """Returns the shell script that becomes containerd, with one pid from begin to end."""
        mounts = [f"mount --bind {shlex.quote(str(own))} {place}" for place, own in self._private().items()]
        pid_file = shlex.quote(str(self.pid_file))
        inner = [
            "set -e",
            *mounts,
            f"echo $$ > {pid_file}.new",
            f"mv {pid_file}.new {pid_file}",
            f"exec {shell.find('containerd')} --config {shlex.quote(str(self._config))}",
        ]
        # "slave": what the machine mounts later is seen inside, and nothing the other way round.
        return "\n".join(
            [
                "set -e",
                f"echo $$ > {shlex.quote(str(self.entrance))}",
                # runc and the shim are looked up there, and "su" without "-" leaves root without /usr/sbin.
                f"export PATH={shlex.quote(shell.SEARCH_PATH)}",
                f"exec {shell.find('unshare')} --mount --propagation slave {shell.find('sh')} -c "
                f"{shlex.quote(chr(10).join(inner))}",
                "",
            ]
        )

    def configuration(self) -> str:
        """Returns containerd's config.toml."""
        return f"""\
version = 2
root = {_quoted(self._state)}
state = "/run/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt",
  "io.containerd.tracing.processor.v1.otlp"]

[grpc]
  address = "{SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # In some sandboxes even root may not lower a process's OOM score, and no pod would start.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  # There is no registry to be patient with.
  image_pull_progress_timeout = "10s"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = {_quoted(self._cni)}
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""

    def network(self) -> dict[str, object]:
        """Returns the CNI network: pods on the bridge, reachable from this machine and from one another."""
        addresses = {"type": "host-local", "ranges": [[{"subnet": self.subnet, "gateway": self.gateway}]]}
        plugin = {
            "type": "bridge",
            "bridge": self.bridge,
            "isGateway": True,
            "ipMasq": False,  # pods need nothing beyond this machine
            "ipam": {**addresses, "routes": [{"dst": "0.0.0.0/0"}]},
        }
        return {"cniVersion": "1.0.0", "name": "gemma4", "plugins": [plugin]}

    def inside(self, *command: str) -> tuple[str, ...]:
        """Returns a command that runs in the namespace."""
        namespace = f"/proc/{self.pid_file.read_text().strip()}/ns/mnt"
        return (shell.find("nsenter"), f"--mount={namespace}", *command)

    def ctr(self, *arguments: str, stdin: Path | None = None, timeout_seconds: float = 600.0) -> str:
        """Runs containerd's own client and returns what it printed."""
        command = self.inside(shell.find("ctr"), "--address", SOCKET, "--namespace", _NAMESPACE, *arguments)
        with (stdin or Path("/dev/null")).open("rb") as file:
            result = subprocess.run(
                command, stdin=file, capture_output=True, text=True, timeout=timeout_seconds, check=False
            )
        if result.returncode:
            raise ClusterError(f"ctr {' '.join(arguments)} failed: {result.stderr.strip() or result.stdout.strip()}")
        return result.stdout

    def ready(self) -> bool:
        """Says whether containerd answers, its Kubernetes part included."""
        if not self.pid_file.exists():
            return False
        try:
            plugins = self.ctr("plugins", "list", timeout_seconds=10.0)
        except (ClusterError, subprocess.TimeoutExpired):
            return False
        return any(line.split()[1:2] == ["cri"] and line.split()[-1] == "ok" for line in plugins.splitlines() if line)

    def import_image(self, archive: Path) -> None:
        """Makes the images of an OCI archive known under the names that it gives them."""
        self.ctr("images", "import", "-", stdin=archive)


def _quoted(path: Path) -> str:
    return json.dumps(str(path))
