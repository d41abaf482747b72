"""The operator into the demo's cluster: as a pod where pods can run, else as a process with its ServiceAccount."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import Cluster, ClusterError, wait_for
from tests.cluster.process import Identity, Program, Running, start

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "manifests" / "base"
NAMESPACE = "gemma4-system"
ACCOUNT = "gemma4-operator"
_RECORD = "operator-process.json"


def manifests(cluster: Cluster, *, image: str) -> str:
    """Return manifests/base with another image, as `images:` of an overlay would set it."""
    objects = list(yaml.safe_load_all(cluster.kubectl("kustomize", str(BASE)).stdout))
    for obj in objects:
        if obj["kind"] == "Deployment":
            (container,) = obj["spec"]["template"]["spec"]["containers"]
            container |= {"image": image, "imagePullPolicy": "IfNotPresent"}
    return yaml.safe_dump_all(objects, sort_keys=False)


def without_deployment(text: str) -> str:
    """Return the same without the operator's own pod."""
    kept: list[dict[str, Any]] = [obj for obj in yaml.safe_load_all(text) if obj["kind"] != "Deployment"]
    return yaml.safe_dump_all(kept, sort_keys=False)


def start_process(cluster: Cluster, *, guarded: bool) -> Running:
    """Start the operator beside the cluster with the token of its ServiceAccount; return it once it leads."""
    kubeconfig = cluster.service_account_kubeconfig(NAMESPACE, ACCOUNT)
    log = cluster.directory / "operator.log"
    environment = {"KUBECONFIG": str(kubeconfig), "GEMMA4_LEASE_NAMESPACE": NAMESPACE, "GEMMA4_HEALTH_PORT": "0"}
    command = (
        shutil.which("env") or "env",  # the guard of a test takes no name, only a path
        *(f"{name}={value}" for name, value in environment.items()),
        sys.executable,
        "-m",
        "gemma4_operator",
    )
    running = start(Program(name="operator", command=command, log=log), guarded=guarded)
    record = {"pid": running.identity.pid, "start_ticks": running.identity.start_ticks}
    (cluster.directory / _RECORD).write_text(json.dumps(record))

    def leads() -> bool:
        running.require()
        return "Leading as" in log.read_text()

    wait_for(leads, 30, "the operator to lead")
    return running


def stop_process(cluster: Cluster) -> None:
    """End the operator that an earlier process has started with `start_process`, if there is one."""
    record = cluster.directory / _RECORD
    if not record.exists():
        return
    identity = Identity(**json.loads(record.read_text()))
    if identity.alive():
        os.kill(identity.pid, 15)
        if not identity.wait(10):
            raise ClusterError(f"The operator, process {identity.pid}, does not end: kill it, then try again.")
    record.unlink()
