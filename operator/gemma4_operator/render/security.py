"""What the security contexts of a pod and of a container may hold: the Pod Security Standard "restricted", for Linux.

Kubernetes 1.36 (https://kubernetes.io/docs/concepts/security/pod-security-standards/). Where the standard lets a
container make up for its pod, both must keep it here: a patch has no need of the difference.
"""

from collections.abc import Mapping
from typing import Any

from gemma4_operator.render.fence import ANYTHING, Fence, check_fields, exactly, map_at, maps_at, off, one_of

_PROFILES = frozenset({"RuntimeDefault", "Localhost"})
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
    }
)  # fmt: skip
"""Settings of the kernel that each pod has its own of."""
_PORTS = "NET_BIND_SERVICE"
_NOT_ROOT = "must not be 0: an engine runs as any user but root."
_SECCOMP = "must be 'RuntimeDefault' or 'Localhost': no engine needs all system calls."

_BOTH: Mapping[str, Fence] = {
    "appArmorProfile": ANYTHING,
    "runAsGroup": ANYTHING,
    "runAsUser": Fence(lambda value: value is None or (isinstance(value, int | float) and value != 0), _NOT_ROOT),
    "seLinuxOptions": ANYTHING,
    "seccompProfile": ANYTHING,
}
_POD: Mapping[str, Fence] = {
    **_BOTH,
    "fsGroup": ANYTHING,
    "fsGroupChangePolicy": ANYTHING,
    "runAsNonRoot": exactly(True, "must be true, as it is without the patch: an engine runs as any user but root."),
    "seLinuxChangePolicy": ANYTHING,
    "supplementalGroups": ANYTHING,
    "supplementalGroupsPolicy": ANYTHING,
    "sysctls": ANYTHING,
}
_CONTAINER: Mapping[str, Fence] = {
    **_BOTH,
    "allowPrivilegeEscalation": exactly(False, "must be false: no engine needs more privileges than it starts with."),
    "capabilities": ANYTHING,
    "privileged": off("must not be true: no engine needs it."),
    "procMount": one_of(frozenset({"", "Default"}), "must be 'Default' or absent: no engine needs all of /proc."),
    "readOnlyRootFilesystem": ANYTHING,
    "runAsNonRoot": Fence(
        lambda value: value is None or value is True, "must be true or absent: an engine runs as any user but root."
    ),
}


def check_pod(context: Any, *, path: str) -> None:
    """Return if a pod's own context is restricted; raises `PatchError`."""
    given = map_at(context, path)
    check_fields(given, _POD, path=path)
    _check_profiles(given, path=path, seccomp_is_needed=True)
    place = f"{path}.sysctls"
    for sysctl in maps_at(given.get("sysctls"), place):
        check_fields(
            sysctl,
            {"name": one_of(SYSCTLS, "must be one of the sysctls that belong to the pod alone."), "value": ANYTHING},
            path=place,
        )


def check_container(context: Any, *, path: str) -> None:
    """Return if a container's context is restricted, in a pod whose own is; raises `PatchError`."""
    given = map_at(context, path)
    check_fields(given, _CONTAINER, path=path)
    _check_profiles(given, path=path, seccomp_is_needed=False)
    place = f"{path}.capabilities"
    check_fields(
        map_at(given.get("capabilities"), place),
        {
            "drop": Fence(
                lambda value: isinstance(value, list) and "ALL" in value,
                "must have 'ALL': no engine needs a capability.",
            ),
            "add": Fence(
                lambda value: value is None or (isinstance(value, list) and all(one == _PORTS for one in value)),
                f"must have nothing but '{_PORTS}': no engine needs another capability.",
            ),
        },
        path=place,
    )


def _check_profiles(given: Mapping[str, Any], *, path: str, seccomp_is_needed: bool) -> None:
    seccomp = map_at(given.get("seccompProfile"), f"{path}.seccompProfile")
    if seccomp_is_needed or seccomp:
        known = Fence(lambda value: isinstance(value, str) and value in _PROFILES, _SECCOMP)
        check_fields(seccomp, {"type": known, "localhostProfile": ANYTHING}, path=f"{path}.seccompProfile")
    apparmor = map_at(given.get("appArmorProfile"), f"{path}.appArmorProfile")
    confined = one_of(_PROFILES, "must be 'RuntimeDefault' or 'Localhost': no engine needs to be unconfined.")
    check_fields(apparmor, {"type": confined, "localhostProfile": ANYTHING}, path=f"{path}.appArmorProfile")
    selinux = {
        "type": one_of(_SELINUX_TYPES, "must be a type of containers, or absent."),
        "user": off("must be absent: no engine needs another user of SELinux."),
        "role": off("must be absent: no engine needs another role of SELinux."),
        "level": ANYTHING,
    }
    check_fields(map_at(given.get("seLinuxOptions"), f"{path}.seLinuxOptions"), selinux, path=f"{path}.seLinuxOptions")
