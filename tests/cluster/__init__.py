"""A real Kubernetes control plane on this machine, for the tests and for a person who wants to try the operator.

``Cluster`` is the door. Behind it: ``recipes``, ``binaries`` and ``builder`` get the programs (found, or built from
their Go modules); ``process`` and ``guard`` keep children from outliving their runner; ``controlplane`` says with
which arguments each runs; ``fakenodes`` adds GPU nodes without GPUs. ``python -m tests.cluster --help`` is for people.
"""

from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.fakenodes import fake_gpu_node
from tests.cluster.waiting import wait_for

__all__ = ["Cluster", "ClusterError", "fake_gpu_node", "wait_for"]
