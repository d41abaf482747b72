"""kubelet and kube-proxy: with which configuration each runs on the real node."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.containerd import SOCKET, Containerd
from tests.cluster.fakenodes import fake_gpu_node
from tests.cluster.process import Program
from tests.cluster.real import shell
from tests.cluster.real.cleaning import FIREWALL

PRODUCT = "FAKE-GPU"


@dataclass(frozen=True)
class Agents:
    """How the Kubernetes programs of one node are run."""

    node: str
    directory: Path
    kubeconfig: Path
    gateway: str
    cgroup: str
    entrance: Path
    binaries: Mapping[str, Path]
    kubelet_port: int
    proxy_port: int
    """For the health of kube-proxy."""
    proxy_metrics_port: int
    gpus: int

    def kubelet(self, containerd: Containerd) -> Program:
        """Returns kubelet, to be started once containerd is ready, in containerd's mount namespace."""
        config = self._write("kubelet.json", self.kubelet_configuration())
        labels = ",".join(f"{key}={value}" for key, value in sorted(gpu_labels(self.node, self.gpus).items()))
        return self._program(
            "kubelet",
            *containerd.inside(
                str(self.binaries["kubelet"]),
                f"--config={config}",
                f"--kubeconfig={self.kubeconfig}",
                f"--hostname-override={self.node}",
                f"--node-ip={self.gateway}",
                f"--node-labels={labels}",
            ),
        )

    def firewall(self) -> str:
        """Returns rules for nft: kubelet asks nobody for a name, so only this machine's root may talk to it.

        Else any user, any pod and any neighbour that routes to the bridge could run commands in all pods.
        """
        port = self.kubelet_port
        return f"""\
table ip {FIREWALL} {{
  chain out {{
    type filter hook output priority filter;
    ip daddr {self.gateway} tcp dport {port} meta skuid != 0 reject
  }}
  chain in {{
    type filter hook input priority filter;
    iifname != "lo" ip daddr {self.gateway} tcp dport {port} reject
  }}
}}
"""

    def kubelet_configuration(self) -> dict[str, object]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            # On the bridge, so that the API server can ask for logs; the firewall keeps others away.
            "address": self.gateway,
            "port": self.kubelet_port,
            "healthzPort": 0,
            "enableSystemLogHandler": False,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": f"unix://{SOCKET}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.cgroup}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "enforceNodeAllocatable": ["pods"],
            "localStorageCapacityIsolation": False,
            # Images are brought by hand and cannot be pulled again, so none is ever thrown away.
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            # Chains of an iptables that nothing here uses, and that would stay behind.
            "makeIPTablesUtilChains": False,
            # No DNS server runs: pods call by address. Without a value kubelet warns at each pod.
            "clusterDNS": [self.gateway],
            "clusterDomain": "cluster.local",
            "nodeStatusUpdateFrequency": "1s",
            "syncFrequency": "5s",
            "volumePluginDir": "/var/lib/kubelet/volume-plugins",
            "rotateCertificates": False,
        }

    def proxy(self) -> Program:
        """Returns kube-proxy, which belongs to the whole machine's network and needs no namespace."""
        return self._program(
            "kube-proxy",
            str(self.binaries["kube-proxy"]),
            f"--kubeconfig={self.kubeconfig}",
            "--proxy-mode=nftables",
            f"--hostname-override={self.node}",
            # All pods share one bridge, and an answer that does not come back through us keeps the wrong address.
            "--masquerade-all",
            f"--healthz-bind-address={self.gateway}:{self.proxy_port}",
            f"--metrics-bind-address={self.gateway}:{self.proxy_metrics_port}",
            # Limits of the machine that are not ours to change.
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
        )

    def _program(self, name: str, *command: str) -> Program:
        script = f'echo $$ > "$0"; export PATH={shlex.quote(shell.SEARCH_PATH)}; exec "$@"'
        joined = ("-c", script, str(self.entrance), *command)
        return Program(name=name, command=(shell.find("sh"), *joined), log=self.directory / "logs" / f"{name}.log")

    def _write(self, name: str, content: Mapping[str, object]) -> Path:
        path = self.directory / name
        path.write_text(json.dumps(content, indent=2))
        return path


def gpu_labels(node: str, gpus: int) -> dict[str, str]:
    """Returns what GPU feature discovery would find, had the machine such GPUs."""
    fake = fake_gpu_node(node, product=PRODUCT, count=gpus, memory_mib=81559)
    return {key: value for key, value in fake["metadata"]["labels"].items() if key.startswith("nvidia.com/")}
