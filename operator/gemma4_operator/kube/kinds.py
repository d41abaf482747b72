"""The kinds the operator talks about, and where the API server keeps them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind: its names, the paths of its objects, and whether they live in namespaces."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`v1`, or `group/version`, as in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, *, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of one object, of a namespace's objects, or of all of them."""
        parts = [f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"]
        if namespace is not None:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        if name is not None:
            parts.append(name)
        if subresource is not None:
            parts.append(subresource)
        return "/".join(parts)


DEPLOYMENT = Kind(group="apps", version="v1", kind="Deployment", plural="deployments")
SERVICE = Kind(group="", version="v1", kind="Service", plural="services")
POD_DISRUPTION_BUDGET = Kind(group="policy", version="v1", kind="PodDisruptionBudget", plural="poddisruptionbudgets")
PERSISTENT_VOLUME_CLAIM = Kind(group="", version="v1", kind="PersistentVolumeClaim", plural="persistentvolumeclaims")
NAMESPACE = Kind(group="", version="v1", kind="Namespace", plural="namespaces", namespaced=False)
NODE = Kind(group="", version="v1", kind="Node", plural="nodes", namespaced=False)
POD = Kind(group="", version="v1", kind="Pod", plural="pods")
EVENT = Kind(group="events.k8s.io", version="v1", kind="Event", plural="events")
LEASE = Kind(group="coordination.k8s.io", version="v1", kind="Lease", plural="leases")
