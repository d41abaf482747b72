"""Patches of pods that reach for what is not their author's, for both who must refuse them.

They are the renderer (`render/fences.py`) and the chart's admission policy.
"""

from dataclasses import dataclass
from typing import Any

PATCH = "spec.podTemplatePatch"


@dataclass(frozen=True)
class Hostile:
    """One patch, and the path at which the renderer refuses it; `by_policy`: the policy refuses it as well."""

    patch: dict[str, Any]
    path: str
    by_policy: bool = True


def hostile(engine: str) -> dict[str, Hostile]:
    """Return every patch for a pod whose engine's container has this name."""

    def spec(path: str, **fields: Any) -> Hostile:
        return Hostile({"spec": fields}, f"{PATCH}.spec.{path}")

    def container(path: str, **fields: Any) -> Hostile:
        where = f"{PATCH}.spec.containers[{engine}]{path}"
        return Hostile({"spec": {"containers": [{"name": engine, **fields}]}}, where)

    def secure(path: str, **fields: Any) -> Hostile:
        return container(f".securityContext.{path}", securityContext=fields)

    def helper(path: str, *, field: str = "initContainers", **fields: Any) -> Hostile:
        where = f"{PATCH}.spec.{field}[helper]{path}"
        return Hostile({"spec": {field: [{"name": "helper", "image": "a:1", **fields}]}}, where)

    def volume(path: str = "", **source: Any) -> Hostile:
        return spec(f"volumes[mine]{path}", volumes=[{"name": "mine", **source}])

    def projected(**source: Any) -> Hostile:
        return volume(".projected.sources", projected={"sources": [source]})

    required, preferred = (f"{when}DuringSchedulingIgnoredDuringExecution" for when in ("required", "preferred"))
    everyone = {"topologyKey": "topology.kubernetes.io/zone", "labelSelector": {}}
    token = {"path": "token", "expirationSeconds": 3600}
    everything = {"privileged": True, "allowPrivilegeEscalation": True, "capabilities": {"add": ["SYS_ADMIN"]}}
    return {
        # The host.
        "the host's network": spec("hostNetwork", hostNetwork=True),
        "the host's network, as a text": spec("hostNetwork", hostNetwork="true"),
        "the host's processes": spec("hostPID", hostPID=True),
        "the host's memory": spec("hostIPC", hostIPC=True),
        "the host's users": spec("hostUsers", hostUsers=True),
        "a folder of the host": volume(hostPath={"path": "/"}),
        "a folder of the host in place of the cache": Hostile(
            {"spec": {"volumes": [{"name": "cache", "hostPath": {"path": "/"}}]}}, f"{PATCH}.spec.volumes[cache]"
        ),
        "a share of the network": volume(nfs={"server": "10.0.0.1", "path": "/"}),
        "a disk of the network": volume(iscsi={"targetPortal": "10.0.0.1", "iqn": "iqn.a:b", "lun": 0}),
        "a volume that no Kubernetes knows yet": volume(somethingNew={}),
        "a port of the host": container(".ports", ports=[{"containerPort": 9000, "hostPort": 9000}]),
        "the engine's port on the host": container(".ports", ports=[{"containerPort": 8000, "hostPort": 80}]),
        "an address of the host": container(".ports", ports=[{"containerPort": 9000, "hostIP": "127.0.0.1"}]),
        "a probe of another host": container(
            ".livenessProbe.httpGet.host", livenessProbe={"httpGet": {"host": "169.254.169.254", "port": 80}}
        ),
        "a connection to another host": container(
            ".startupProbe.tcpSocket.host", startupProbe={"tcpSocket": {"host": "10.0.0.1", "port": 22}}
        ),
        "a hook that calls another host": container(
            ".lifecycle.postStart.httpGet.host",
            lifecycle={"postStart": {"httpGet": {"host": "127.0.0.1", "port": 10255}}},
        ),
        "a node of its own choice": spec("nodeName", nodeName="control-plane-0"),
        "what nodes need to run is pushed out": spec("priorityClassName", priorityClassName="system-node-critical"),
        "a priority as a number": spec("priority", priority=2_000_001_000),
        "a pod that never ends": spec("terminationGracePeriodSeconds", terminationGracePeriodSeconds=10**9),
        "another system's pod": spec("os", os={"name": "windows"}),
        # Privileges.
        "all privileges": secure("allowPrivilegeEscalation", **everything),
        "a privileged engine": secure("privileged", privileged=True),
        "privileged, as a number": secure("privileged", privileged=1),
        "a privileged helper": helper(".securityContext.privileged", securityContext={"privileged": True}),
        "privileges gained later": secure("allowPrivilegeEscalation", allowPrivilegeEscalation=True),
        "the fence against it removed": secure("allowPrivilegeEscalation", allowPrivilegeEscalation=None),
        "the engine's whole context removed": container(
            ".securityContext.allowPrivilegeEscalation", securityContext=None
        ),
        "the engine's context as a text": container(".securityContext", securityContext="none"),
        "a helper without a context": helper(".securityContext.allowPrivilegeEscalation", securityContext=None),
        "a capability": secure("capabilities.add", capabilities={"add": ["SYS_ADMIN"]}),
        "a capability beside a harmless one": secure(
            "capabilities.add", capabilities={"add": ["NET_BIND_SERVICE", "NET_RAW"]}
        ),
        "capabilities kept": secure("capabilities.drop", capabilities={"drop": ["NET_RAW"]}),
        "capabilities kept by null": secure("capabilities.drop", capabilities=None),
        "a helper that keeps capabilities": helper(
            ".securityContext.capabilities.drop", field="containers", securityContext={"capabilities": {"drop": []}}
        ),
        "root": secure("runAsUser", runAsUser=0),
        "root, with a comma": secure("runAsUser", runAsUser=0.0),
        "root for all": spec("securityContext.runAsUser", securityContext={"runAsUser": 0}),
        "root may be": secure("runAsNonRoot", runAsNonRoot=False),
        "root may be, for all": spec("securityContext.runAsNonRoot", securityContext={"runAsNonRoot": False}),
        "the pod's whole context removed": spec("securityContext.runAsNonRoot", securityContext=None),
        "the pod's context as a list": spec("securityContext", securityContext=["a"]),
        "all system calls": secure("seccompProfile.type", seccompProfile={"type": "Unconfined"}),
        "all system calls for all": spec(
            "securityContext.seccompProfile.type", securityContext={"seccompProfile": {"type": "Unconfined"}}
        ),
        "all system calls by null": spec(
            "securityContext.seccompProfile.type", securityContext={"seccompProfile": None}
        ),
        "no AppArmor": secure("appArmorProfile.type", appArmorProfile={"type": "Unconfined"}),
        "no AppArmor, by its old name": Hostile(
            {"metadata": {"annotations": {f"container.apparmor.security.beta.kubernetes.io/{engine}": "unconfined"}}},
            f"{PATCH}.metadata.annotations",
        ),
        "a type of SELinux": secure("seLinuxOptions.type", seLinuxOptions={"type": "spc_t"}),
        "a role of SELinux": spec(
            "securityContext.seLinuxOptions.role", securityContext={"seLinuxOptions": {"role": "r"}}
        ),
        "all of /proc": secure("procMount", procMount="Unmasked"),
        "a setting of the kernel": spec(
            "securityContext.sysctls.name", securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}
        ),
        "a process of a Windows host": spec(
            "securityContext.windowsOptions", securityContext={"windowsOptions": {"hostProcess": True}}
        ),
        "a field of a context that no Kubernetes knows yet": secure("somethingNew", somethingNew=True),
        # Identities.
        "an account": spec("serviceAccountName", serviceAccountName="default"),
        "an account by its old name": spec("serviceAccount", serviceAccount="default"),
        "a token": spec("automountServiceAccountToken", automountServiceAccountToken=True),
        "a token by null": spec("automountServiceAccountToken", automountServiceAccountToken=None),
        "a token in a volume": projected(serviceAccountToken=token),
        "a token in a volume, for another audience": projected(serviceAccountToken={**token, "audience": "vault"}),
        "a certificate in a volume": projected(podCertificate={"signerName": "a.b/c", "keyType": "ED25519"}),
        "a token beside something harmless": Hostile(
            {
                "spec": {
                    "volumes": [
                        {"name": "a", "emptyDir": {}},
                        {"name": "mine", "projected": {"sources": [{"secret": {}}, {"serviceAccountToken": token}]}},
                    ]
                }
            },
            f"{PATCH}.spec.volumes[mine].projected.sources",
        ),
        # The operator's own.
        "another deployment's pods": Hostile(
            {"metadata": {"labels": {"gemma4.dev/deployment": "other"}}}, f"{PATCH}.metadata.labels"
        ),
        "pods that nobody finds": Hostile({"metadata": {"labels": None}}, f"{PATCH}.metadata.labels", by_policy=False),
        "an annotation in the operator's name": Hostile(
            {"metadata": {"annotations": {"gemma4.dev/applied-hash": "0"}}}, f"{PATCH}.metadata.annotations"
        ),
        "pods that cannot be deleted": Hostile(
            {"metadata": {"finalizers": ["example.com/never"]}}, f"{PATCH}.metadata.finalizers"
        ),
        "other namespaces kept from its nodes": spec(
            f"affinity.podAntiAffinity.{required}",
            affinity={"podAntiAffinity": {required: [{**everyone, "namespaceSelector": {}}]}},
        ),
        "other namespaces kept from its zone, if possible": spec(
            f"affinity.podAntiAffinity.{preferred}",
            affinity={
                "podAntiAffinity": {
                    preferred: [{"weight": 1, "podAffinityTerm": {**everyone, "namespaces": ["kube-system"]}}]
                }
            },
        ),
        "a place beside another namespace's pods": spec(
            f"affinity.podAffinity.{required}",
            affinity={"podAffinity": {required: [{**everyone, "namespaces": ["kube-system"]}]}},
        ),
        "terms that are a map": spec(
            f"affinity.podAffinity.{required}", affinity={"podAffinity": {required: {"namespaceSelector": {}}}}
        ),
        "data of another namespace": volume(
            ephemeral={"volumeClaimTemplate": {"spec": {"dataSourceRef": {"kind": "a", "namespace": "other"}}}}
        ),
        "another namespace": Hostile({"metadata": {"namespace": "kube-system"}}, f"{PATCH}.metadata.namespace"),
        "another owner": Hostile({"metadata": {"ownerReferences": []}}, f"{PATCH}.metadata.ownerReferences"),
        "containers that join later": spec(
            "ephemeralContainers", ephemeralContainers=[{"name": "a", "image": "a:1", "securityContext": everything}]
        ),
        "a field that no Kubernetes knows yet": spec("somethingNew", somethingNew=True),
        # Forms that are none.
        "containers that are a map": spec("containers", containers={engine: {}}),
        "a container without a name": spec("containers[0]", containers=[{"image": "a:1"}]),
        "a container that is a text": spec("containers[0]", containers=["a"]),
        "a container that is nothing": spec("containers[0]", containers=[None]),
        "volumes that are a text": spec("volumes", volumes="a"),
        "a volume without a name": spec("volumes[0]", volumes=[{"emptyDir": {}}]),
        "sources that are a map": volume(".projected.sources", projected={"sources": {"serviceAccountToken": token}}),
        "a source that is a text": volume(".projected.sources[0]", projected={"sources": ["serviceAccountToken"]}),
        "a probe that is a list": container(".livenessProbe", livenessProbe=["httpGet"]),
        "a call that is a text": container(".livenessProbe.httpGet", livenessProbe={"httpGet": "a"}),
        "hooks that are a text": container(".lifecycle", lifecycle="a"),
        "capabilities that are a list": secure("capabilities", capabilities=["ALL"]),
        "a profile that is a text": secure("seccompProfile", seccompProfile="Unconfined"),
        "a type that is a list": secure("seccompProfile.type", seccompProfile={"type": ["Unconfined"]}),
        "sysctls that are a map": spec("securityContext.sysctls", securityContext={"sysctls": {"name": "a"}}),
        "a port that is a text": spec("containers[0].ports[0]", containers=[{"name": engine, "ports": ["8000"]}]),
    }
