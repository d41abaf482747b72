"""Weights of this machine as a volume of the cluster: what a storage provisioner would have left behind."""

from pathlib import Path
from typing import Any

_SIZE = "1Ti"


def weights_volume(directory: Path, *, node: str, namespace: str, claim: str) -> list[dict[str, Any]]:
    """Returns a PersistentVolume that shows a folder of the node, and the claim that is bound to it.

    A hostPath, not a ``local`` volume: kubelet gives the files of the latter to a pod's ``fsGroup``, and these belong
    to the person's cache. So the folder and its files must be readable to all; whether their parents are is no matter.

    Args:
        directory: The folder with the weights.
        node: The real node.
        namespace: Of the claim.
        claim: Its name.
    """
    volume = f"weights-{namespace}-{claim}"
    affinity = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    common = {"accessModes": ["ReadOnlyMany"], "storageClassName": ""}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume},
            "spec": {
                **common,
                "capacity": {"storage": _SIZE},
                "hostPath": {"path": str(directory.resolve()), "type": "Directory"},
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": namespace, "name": claim},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [affinity]}]}},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim, "namespace": namespace},
            "spec": {**common, "volumeName": volume, "resources": {"requests": {"storage": _SIZE}}},
        },
    ]
