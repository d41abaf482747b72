"""The Pod Security Standard "restricted" as a function, written from the standard's text and not from our objects.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ as of Kubernetes 1.36, Linux pods.
"""

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
_SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_SECCOMP_TYPES = {"RuntimeDefault", "Localhost"}
_SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}  # fmt: skip


def violations(pod: dict[str, Any]) -> list[str]:
    """Return every rule of the standard that a pod's spec breaks."""
    return [*_pod(pod), *(text for container in _containers(pod) for text in _container(container, pod))]


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", ()), *pod["containers"], *pod.get("ephemeralContainers", ())]


def _pod(pod: dict[str, Any]) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield f"{field} is true"
    for volume in pod.get("volumes", ()):
        for kind in volume.keys() - {"name"} - _VOLUMES:
            yield f"volume {volume['name']} is a {kind}"
    security = pod.get("securityContext", {})
    for sysctl in security.get("sysctls", ()):
        if sysctl["name"] not in _SAFE_SYSCTLS:
            yield f"sysctl {sysctl['name']} is not safe"
    yield from _both_levels("pod", security)


def _container(container: dict[str, Any], pod: dict[str, Any]) -> Iterator[str]:
    name, security = container["name"], container.get("securityContext", {})
    pod_security = pod.get("securityContext", {})
    yield from _both_levels(name, security)
    if security.get("privileged"):
        yield f"{name} is privileged"
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may escalate privileges"
    capabilities = security.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield f"{name} does not drop ALL capabilities"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield f"{name} adds capabilities"
    if security.get("procMount", "Default") != "Default":
        yield f"{name} unmasks /proc"
    if security.get("runAsNonRoot", pod_security.get("runAsNonRoot")) is not True:
        yield f"{name} may run as root"
    seccomp = security.get("seccompProfile", pod_security.get("seccompProfile", {}))
    if seccomp.get("type") not in _SECCOMP_TYPES:
        yield f"{name} runs without seccomp"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield f"{name} takes a port of the host"
    for handler in _handlers(container):
        if any(handler.get(kind, {}).get("host") for kind in ("httpGet", "tcpSocket")):
            yield f"{name} probes another host"


def _both_levels(name: str, security: dict[str, Any]) -> Iterator[str]:
    if security.get("runAsUser") == 0:
        yield f"{name} runs as user 0"
    if security.get("windowsOptions", {}).get("hostProcess"):
        yield f"{name} is a host process"
    linux = security.get("seLinuxOptions", {})
    if linux.get("type", "") not in _SELINUX_TYPES or linux.get("user") or linux.get("role"):
        yield f"{name} sets SELinux options"
    if security.get("appArmorProfile", {}).get("type", "RuntimeDefault") == "Unconfined":
        yield f"{name} runs without AppArmor"
    if security.get("seccompProfile", {}).get("type") == "Unconfined":
        yield f"{name} switches seccomp off"


def _handlers(container: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for field in ("startupProbe", "readinessProbe", "livenessProbe"):
        yield container.get(field, {})
    for moment in ("postStart", "preStop"):
        yield container.get("lifecycle", {}).get(moment, {})
