"""What is installed: a CRD that is missing, older or newer than the operator, or taken away under it."""

import json
import time
from typing import Any

from gemma4_operator.kube.kinds import SERVICE, Kind
from tests.cluster import wait_for
from tests.faults.api_server import RESILIENCE
from tests.faults.fault import Fault
from tests.faults.fault import Kind as FaultKind
from tests.faults.ground import Ground, nothing_lost, with_twin
from tests.integration.home import Home, sample
from tests.integration.operating import CRD, Kubelet, install_crd

_DEFINITION = Kind(
    group="apiextensions.k8s.io", version="v1", kind="CustomResourceDefinition", plural="customresourcedefinitions"
)
_JSON_PATCH = "application/json-patch+json"
_PROPERTIES = "/spec/versions/0/schema/openAPIV3Schema/properties"
_STATUS = f"{_PROPERTIES}/status/properties"


def older_crd(ground: Ground) -> str:
    """Take fields of the status out of the CRD, as if the operator alone had been upgraded."""
    with ground.operators() as operators, ground.home() as home:
        _change(home, [{"op": "remove", "path": f"{_STATUS}/serving"}])
        _change(home, [{"op": "remove", "path": f"{_STATUS}/plan/properties/why"}])
        try:
            operator = operators.new(resync_seconds=5).wait_leading()
            twin_pod = with_twin(home, sample("chat"))
            home.wait_ready("chat", timeout_seconds=60)
            nothing_lost(home, "chat", twin_pod=twin_pod)
            status = home.resource("chat")["status"]
            assert "serving" not in status
            assert "why" not in status["plan"]
            offset = home.wait_quiet()
            home.wait_resync(since=offset)
            assert not home.writes(since=offset), "what the CRD does not know is written again and again"
            (line, *_) = [line for line in operator.log().splitlines() if "older than this operator" in line]
        finally:
            install_crd(ground.cluster)
        home.edit("chat", endpoint={"port": 9000})
        wait_for(lambda: home.resource("chat")["status"].get("serving") == "1/1", 30, "the whole status")
        assert home.resource("chat")["status"]["plan"]["why"]
        operator.must_be_steady(ever=True)
        return f"The log: {line.partition(': ')[2]}"


def newer_crd(ground: Ground) -> str:
    """Add fields to the CRD, as if it alone had been upgraded, and use one."""
    with ground.operator(resync_seconds=5), ground.home() as home:
        text = {"type": "string"}
        _change(home, [{"op": "add", "path": f"{_PROPERTIES}/spec/properties/later", "value": text}])
        _change(home, [{"op": "add", "path": f"{_STATUS}/later", "value": text}])
        try:
            twin_pod = with_twin(home, sample("chat", later="on"))
            ready = home.wait_reason("chat", "InvalidSpec")
            assert "later" in ready["message"]
            home.edit("chat", later=None)
            home.wait_ready("chat", timeout_seconds=60)
            nothing_lost(home, "chat", twin_pod=twin_pod)
        finally:
            install_crd(ground.cluster)
        return str(ready["message"])


def crd_deleted(ground: Ground) -> str:
    """Delete the CRD under a running operator, and install it again."""
    with ground.operators() as operators, ground.home() as home:
        operator = operators.new(resync_seconds=5).wait_leading()
        home.create(sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        try:
            ground.cluster.kubectl("delete", "crd", CRD, "--timeout=240s")
            kubelet = Kubelet(operator)
            kubelet.wait_for(lambda: "install the CRD" in operator.log(), 30, "the operator to say what it lacks")
        finally:
            install_crd(ground.cluster)
        wait_for(lambda: home.objects.get(SERVICE, home.namespace, "chat") is None, 90, "the end of the children")
        home.create(sample("again"))
        kubelet.wait_for(lambda: _is_ready(home, "again"), 60, "a new resource to serve")
        home.wait_quiet()
        assert kubelet.restarts <= 1
        operator.must_be_steady(ever=True)
        return f"The process ended {kubelet.restarts} times."


def _is_ready(home: Home, name: str) -> bool:
    return bool(home.ready(name).get("status") == "True")


def _change(home: Home, patch: list[dict[str, Any]]) -> None:
    """Change the CRD, and return once the API server goes by it."""
    path = _DEFINITION.path(name=CRD)
    home.objects.request("PATCH", path, body=patch, content_type=_JSON_PATCH)  # type: ignore[arg-type]
    (change,) = patch
    parts = change["path"].removeprefix(_PROPERTIES + "/").split("/")

    def serves() -> bool:
        schema = home.objects.request("GET", "/openapi/v3/apis/gemma4.dev/v1alpha1")["components"]["schemas"]
        (found,) = [one for name, one in schema.items() if name.endswith(".Gemma4Deployment")]
        at: Any = found["properties"]
        for part in parts:
            at = at.get(part, {}) if isinstance(at, dict) else {}
        return bool(at) == (change["op"] == "add")

    wait_for(serves, 20, lambda: f"the API server to take the CRD with {json.dumps(patch)}")
    time.sleep(1.0)


FAULTS = (
    Fault(
        name="The CRD is missing when the operator starts",
        kind=FaultKind.INSTALLATION,
        sees="The operator's log says what to install; `/readyz` is 503.",
        proof="It leads and serves as soon as the kind is there.",
        tests=(f"{RESILIENCE}::TestInstallation::test_an_operator_that_is_there_before_its_kind_says_so_and_waits",),
    ),
    Fault(
        name="The CRD is older than the operator",
        kind=FaultKind.INSTALLATION,
        sees="A status without the fields that the CRD does not know; the log names them.",
        proof="It serves, no write repeats, and the fields appear once the CRD is applied.",
        play=older_crd,
    ),
    Fault(
        name="The CRD is newer than the operator",
        kind=FaultKind.INSTALLATION,
        sees="`InvalidSpec` with the field, for who uses it; nothing for all others.",
        proof="Others are not concerned, and without the field it serves.",
        play=newer_crd,
    ),
    Fault(
        name="The CRD is deleted under a running operator",
        kind=FaultKind.INSTALLATION,
        sees="Kubernetes deletes all resources with the kind; the operator's log says what to install.",
        proof="The children go with their owners; a new resource serves once the kind is back.",
        play=crd_deleted,
    ),
)
