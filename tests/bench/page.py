"""docs/reference/figures.md, written by the run whose figures it shows."""

from pathlib import Path

from tests.bench import peer
from tests.bench.figures import Figures
from tests.bench.table import tables

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "figures.md"


def page(figures: Figures) -> str:
    """Return the page."""
    run = figures.run
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return f"""<!-- Written by `python -m tests.bench --write-docs`; do not edit. -->

# Figures

What the operator asks of the API server and of the machine for {run.deployments} Gemma4Deployments that are created at
once. Counts are facts, and tests assert them. Times belong to one run on a small and noisy machine that also ran the
whole control plane: only their ratio to the floor of the same run means something elsewhere.

* Command: `{run.command}`, on {run.date}.
* Machine: {run.machine}; shared by operator, control plane, fake nodes and the bench itself.
* Versions: {versions}.
* Cluster: a real API server (RBAC on, audit log on), etcd (without fsync), controller manager and scheduler, and
  {run.nodes} fake nodes of 8 GPUs, on which a pod is ready 1 s after it was bound. The operator is a process with the
  token of its own ServiceAccount and no other rights.
* Floor: the same three children of each resource (Deployment, Service, PodDisruptionBudget; the same pods), created
  directly by an admin, until every Deployment is available.
* Beside them, where known: NVIDIA's NIM operator ({peer.SOURCE}), measured on the same class of machine and the same
  control plane. It makes five children for each resource, so its floor is another.

{tables(figures)}
## How each is measured

* Requests come from the API server's audit log, by the operator's user, and are counted when they arrive. Leader
  election, lists and watches do not grow with the number of resources and are counted apart. "Quiet" is when nothing
  was written for 2 s.
* "Ready" is the condition, seen by the creator through a watch; seconds are from before the first create.
* Writes without a change: the writes besides the Lease, while every resource went through at least one pass, after a
  restart of the process and after a periodic listing.
* Memory is VmRSS and VmHWM, CPU is user and system time, both of the operator's process alone.
* A start is counted from the start of the process, whose modules are compiled as in the image, to the API server's
  answer to a write. With
  {run.deployments} resources the Service of each was deleted while no operator ran.
* A repair is counted from the answer to the deletion or change by hand to the answer to the operator's write.
* Used by others: the part of the machine's CPU time that neither the cluster nor the bench nor the operator used.
"""


def write(figures: Figures) -> Path:
    """Write the page and return where it is."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(figures))
    return PAGE
