"""Pods that fail, all at once: each fault has a resource of its own, and one operator sees to them all."""

import time
from dataclasses import dataclass
from typing import Any

from gemma4_operator.kube.kinds import POD
from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from tests.cluster import wait_for
from tests.cluster.fakenodes import FAULT_LABEL, TOLD_ANNOTATION, told_status
from tests.cluster.waiting import PATIENCE
from tests.faults.fault import Fault
from tests.faults.ground import TWIN, Ground, nothing_lost, say_of_pod, with_twin
from tests.integration.home import Home, condition, is_ready, notes, sample

PATIENCE_SECONDS = 150.0
_NOBODY = "nobody"


@dataclass
class Patient:
    """One resource on its way from health through its fault back to health."""

    fault: Fault
    seen: str = ""
    told: bool = False
    healed: bool = False
    last: str = ""

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.fault.slug

    def resource(self) -> dict[str, Any]:
        """Return the resource whose pods wait to be told how they fail."""
        assert self.fault.told is not None
        patch: dict[str, Any] = {"metadata": {"labels": {FAULT_LABEL: "Told"}}}
        if not self.fault.told.scheduled:
            patch["spec"] = {"schedulerName": _NOBODY}
        return sample(self.name, podTemplatePatch=patch)

    def fail(self, home: Home, pod: dict[str, Any]) -> None:
        """Have the pod fail: its events come first, since both are read together."""
        told = self.fault.told
        assert told is not None
        name = pod["metadata"]["name"]
        say_of_pod(home, pod, told.events)
        if told.scheduled:
            home.patch(POD, name, {"metadata": {"annotations": {TOLD_ANNOTATION: told_status(told.status)}}})
        else:
            path = POD.path(namespace=home.namespace, name=name, subresource="status")
            kind = "application/strategic-merge-patch+json"
            home.objects.request("PATCH", path, body={"status": told.status}, content_type=kind)
        self.told = True

    def look(self, home: Home, resource: dict[str, Any]) -> None:
        """Take down what is said of the fault once it is what was promised."""
        ready = condition(resource, "Ready")
        self.last = f"{ready.get('reason')}: {ready.get('message')}"
        assert self.fault.reason is not None
        said = [ready.get("message", "")] if ready.get("reason") == self.fault.reason.value else []
        right = [text for text in said if all(word.lower() in text.lower() for word in self.fault.mention)]
        if right:
            self.seen = right[0]
            home.edit(self.name, podTemplatePatch=None)
            self.healed = True


def play(ground: Ground, faults: tuple[Fault, ...]) -> dict[str, str]:
    """Play all faults; return by name what was seen, or raise with those that went otherwise."""
    patients = [Patient(fault) for fault in faults]
    with ground.operator(), ground.home() as home:
        twin_pod = with_twin(home, *(patient.resource() for patient in patients))
        unwell = _tend(home, patients)
        assert not unwell, "\n".join(f"{patient.fault.name}: {patient.last}" for patient in unwell)
        nothing_lost(home, *(patient.name for patient in patients), twin_pod=twin_pod)
        for patient in patients:
            assert patient.fault.reason is not None
            reason = patient.fault.reason.value
            wait_for(
                lambda patient=patient, reason=reason: notes(home.events(patient.name), reason),
                20,
                f"an event that tells of: {patient.fault.name}",
            )
        assert not notes(home.events(TWIN), "Warning")
    return {patient.fault.name: patient.seen for patient in patients}


def _tend(home: Home, patients: list[Patient]) -> list[Patient]:
    """Lead all through their faults; return those that did not get through in time."""
    deadline = time.monotonic() + PATIENCE * PATIENCE_SECONDS
    while True:
        pods = {pod["metadata"]["labels"].get("gemma4.dev/deployment"): pod for pod in home.pods()}
        found = {item["metadata"]["name"]: item for item in home.objects.list(GEMMA4_DEPLOYMENT, home.namespace)}
        unwell = [patient for patient in patients if not (patient.healed and is_ready(found[patient.name]))]
        if not unwell or time.monotonic() > deadline:
            return unwell
        for patient in unwell:
            if not patient.told and _waits(pods.get(patient.name), patient):
                patient.fail(home, pods[patient.name])
            elif patient.told and not patient.healed:
                patient.look(home, found[patient.name])
        time.sleep(0.2)


def _waits(pod: dict[str, Any] | None, patient: Patient) -> bool:
    assert patient.fault.told is not None
    return pod is not None and (not patient.fault.told.scheduled or "containerStatuses" in pod["status"])
