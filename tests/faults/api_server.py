"""The API server and the way to it: it is away, slow, refuses, cuts answers short, and forgets who we are."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from gemma4_operator.kube.kinds import DEPLOYMENT, SERVICE, Kind
from tests.cluster import wait_for
from tests.cluster.faults import CutAfter, Delay, Drop, Hang, Match, Status
from tests.cluster.proxy import FaultProxy
from tests.faults.fault import Fault
from tests.faults.fault import Kind as FaultKind
from tests.faults.ground import Ground, nothing_lost, with_twin
from tests.faults.in_pod import InPod
from tests.integration.home import Home, is_ready, sample
from tests.integration.objects import Refused
from tests.integration.operating import NAME, Kubelet, OperatorProcess

RESILIENCE = "tests/integration/test_resilience.py"
PATIENCE_SECONDS = 90.0
CLUSTER_SECONDS = 300.0
"""What controllers and simulated kubelets may take to come back from a long outage: their clients pause for up to half
a minute between two attempts, and pods are placed only once nodes have been seen alive again."""
_BINDING = Kind(
    group="rbac.authorization.k8s.io", version="v1", kind="ClusterRoleBinding", plural="clusterrolebindings"
)
_HOOK = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    kind="ValidatingWebhookConfiguration",
    plural="validatingwebhookconfigurations",
)
SAME = "What was asked for meanwhile is done, a Service deleted meanwhile is back, the rest is as before."


def work(home: Home) -> None:
    """Ask for something new, change something, and take something away."""
    home.create(sample("next"))
    home.edit("chat", endpoint={"port": 9000})
    home.delete("chat", kind=SERVICE)


def done(home: Home) -> bool:
    """Whether all of that is as it should be."""
    service = home.objects.get(SERVICE, home.namespace, "chat")
    return (
        service is not None
        and service["spec"]["ports"][0]["port"] == 9000
        and is_ready(home.resource("next"))
        and is_ready(home.resource("chat"))
    )


def applied(home: Home) -> bool:
    """Whether the operator has done its part, whatever becomes of the pods."""
    service = home.objects.get(SERVICE, home.namespace, "chat")
    return (
        service is not None
        and service["spec"]["ports"][0]["port"] == 9000
        and home.objects.get(DEPLOYMENT, home.namespace, "next") is not None
    )


def pods(home: Home) -> dict[str, str]:
    """Return how each pod is."""
    return {pod["metadata"]["name"]: pod["status"].get("phase", "") for pod in home.pods()}


def pods_serve(home: Home) -> bool:
    """Whether a pod of each resource serves."""
    ready = {
        pod["metadata"]["name"].rsplit("-", 2)[0]
        for pod in home.pods()
        for one in pod["status"].get("conditions", ())
        if one["type"] == "Ready" and one["status"] == "True"
    }
    return {"chat", "next"} <= ready


def survive(home: Home, operator: OperatorProcess, twin_pod: str, *, restarts: int) -> None:
    """Return once everything is as it should be, with a kubelet that starts the operator again if it has ended."""
    kubelet = Kubelet(operator)
    kubelet.wait_for(lambda: done(home), PATIENCE_SECONDS, "what was asked for")
    home.edit("chat", endpoint=None)
    nothing_lost(home, "next", "chat", twin_pod=twin_pod)
    assert kubelet.restarts <= restarts, operator.whole_log()
    operator.must_be_steady(ever=True)


@contextlib.contextmanager
def behind_proxy(ground: Ground) -> Iterator[tuple[Home, FaultProxy, OperatorProcess, str]]:
    """Give a home with two resources that serve, whose operator sees the API server through a proxy."""
    with ground.proxy() as proxy, ground.operators() as operators, ground.home() as home:
        operator = operators.new(server=proxy.server, authority=proxy.ca, resync_seconds=30).wait_leading()
        twin_pod = with_twin(home, sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        yield home, proxy, operator, twin_pod


def disturbed(*rules: tuple[Match, Any, dict[str, Any]], restarts: int = 0) -> Callable[[Ground], str]:
    """Return what plays a fault of the way to the API server."""

    def play(ground: Ground) -> str:
        with behind_proxy(ground) as (home, proxy, operator, twin_pod):
            made = [proxy.fail(match, fault, **terms) for match, fault, terms in rules]
            work(home)
            survive(home, operator, twin_pod, restarts=restarts)
            assert all(rule.hits for rule in made), "the fault never met a request"
            return f"{sum(rule.hits for rule in made)} requests were met by it."

    return play


def away(ground: Ground) -> str:
    """Stop the API server for a minute."""
    with ground.operators() as operators, ground.home() as home:
        operator = operators.new(resync_seconds=30).wait_leading()
        twin_pod = with_twin(home, sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        home.wait_quiet()
        kubelet = Kubelet(operator)
        before = home.resource("chat")["status"]
        ground.cluster.stop_apiserver()
        end = time.monotonic() + 60
        kubelet.wait_for(lambda: time.monotonic() > end, 70, "the end of the minute")
        ground.cluster.start_apiserver()
        assert home.resource("chat")["status"] == before
        work(home)
        kubelet.wait_for(lambda: applied(home), PATIENCE_SECONDS, "the operator to do its part")
        wait_for(lambda: pods_serve(home), CLUSTER_SECONDS, lambda: f"the rest of the cluster; {pods(home)}")
        survive(home, operator, twin_pod, restarts=1 - kubelet.restarts)
        return f"The process ended {kubelet.restarts} times, having lost its Lease, and was started again."


def etcd_restarts(ground: Ground) -> str:
    """Kill etcd and start it again."""
    with ground.operators() as operators, ground.home() as home:
        operator = operators.new(resync_seconds=30).wait_leading()
        twin_pod = with_twin(home, sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        ground.cluster.restart_etcd()
        wait_for(lambda: _answers(home), 60, "the API server to find etcd again")
        work(home)
        survive(home, operator, twin_pod, restarts=1)
        return "The API server answered again by itself."


def _answers(home: Home) -> bool:
    try:
        return bool(home.resource("chat"))
    except (Refused, OSError):
        return False
    except Exception as error:  # urllib3 has a class of its own for each way to get no answer
        if type(error).__module__.startswith("urllib3"):
            return False
        raise


def token_revoked(ground: Ground) -> str:
    """Take the operator's token away, and put another into its file, as the kubelet does before one runs out."""
    with ground.home() as home, InPod(ground, home) as operator:
        operator.wait_leading()
        twin_pod = with_twin(home, sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        operator.renew_token()
        wait_for(operator.is_revoked, 30, "the API server to forget the old token", interval_seconds=0.5)
        work(home)
        survive(home, operator, twin_pod, restarts=1)
        return "The old token was refused with 401; the new one was read from its file."


def permission_withdrawn(ground: Ground) -> str:
    """Take the operator's role away for a while."""
    with ground.operators() as operators, ground.home() as home:
        operator = operators.new(resync_seconds=5).wait_leading()
        twin_pod = with_twin(home, sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        path = _BINDING.path(name=NAME)
        binding = home.objects.request("GET", path)
        home.objects.request("DELETE", path)
        try:
            work(home)
            kubelet = Kubelet(operator)
            kubelet.wait_for(lambda: "is forbidden" in operator.log(), 30, "the operator to say what it lacks")
            (line, *_) = [line for line in operator.log().splitlines() if "is forbidden" in line]
        finally:
            kept = {"metadata": {"name": NAME}, "roleRef": binding["roleRef"], "subjects": binding["subjects"]}
            home.objects.request("POST", _BINDING.path(), body=kept)
        survive(home, operator, twin_pod, restarts=1)
        return f"The log: {line.partition(': ')[2].strip()[:160]}"


def watching_forbidden(ground: Ground) -> str:
    """End all watches, and forbid new ones for a while."""
    with behind_proxy(ground) as (home, proxy, operator, twin_pod):
        forbidden = proxy.fail(Match(watch=True), Status(403), for_seconds=6)
        proxy.cut(Match(watch=True))
        work(home)
        survive(home, operator, twin_pod, restarts=1)
        assert forbidden.hits
        return f"{forbidden.hits} watches were refused."


def webhook_down(ground: Ground) -> str:
    """Have the API server ask a webhook that nobody answers before it lets a Service in."""
    name = f"fault-{secrets.token_hex(4)}"
    with ground.operator(resync_seconds=5) as operator, ground.home(hooked=name) as home:
        twin_pod = with_twin(home, sample("chat"))
        home.wait_ready("chat", timeout_seconds=60)
        home.objects.request("POST", _HOOK.path(), body=_hook(name))
        try:
            work(home)
            ready = home.wait_reason("next", "ChildRejected", timeout_seconds=40)
            assert name in ready["message"]
        finally:
            home.objects.request("DELETE", _HOOK.path(name=name))
        survive(home, operator, twin_pod, restarts=0)
        return str(ready["message"])


def _hook(name: str) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["services"]}
    hook = {
        "name": f"{name}.test.example",
        "clientConfig": {"url": "https://127.0.0.1:9/validate"},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"hooked": name}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
        "timeoutSeconds": 1,
    }
    return {"metadata": {"name": name}, "webhooks": [hook]}


_LEASES_APART = r"^(?!.*/leases)"
NOTHING = "Nothing: the status stays as it is until the API server answers."
LATE = "What it always sees, a little later."

FAULTS = (
    Fault(
        name="The API server is away for 60 s",
        kind=FaultKind.API_SERVER,
        sees=NOTHING,
        proof=f"{SAME} The process may end once, since its Lease ran out, and leads again.",
        play=away,
    ),
    Fault(
        name="The API server restarts",
        kind=FaultKind.API_SERVER,
        sees=NOTHING,
        proof="An edit and a deletion at that moment are seen to.",
        tests=(f"{RESILIENCE}::TestOutage::test_the_api_server_restarts",),
    ),
    Fault(name="etcd is killed and restarts", kind=FaultKind.API_SERVER, sees=NOTHING, proof=SAME, play=etcd_restarts),
    Fault(
        name="Every request is throttled (429 with Retry-After), then fails (500), for 20 s",
        kind=FaultKind.API_SERVER,
        sees=NOTHING,
        proof="Under 10 requests a second meanwhile; what was asked for meanwhile is done.",
        tests=(f"{RESILIENCE}::TestOutage::test_an_api_server_that_refuses_everything_for_a_while",),
    ),
    Fault(
        name="Six writes meet a conflict (409)",
        kind=FaultKind.API_SERVER,
        sees="`ChildRejected` for the seconds until the next attempt, or what it always sees.",
        proof=SAME,
        play=disturbed((Match(method="PATCH"), Status(409), {"times": 6})),
    ),
    Fault(
        name="Every answer takes 1.5 s, for 15 s",
        kind=FaultKind.API_SERVER,
        sees=LATE,
        proof=SAME,
        play=disturbed((Match(), Delay(1.5), {"for_seconds": 15})),
    ),
    Fault(
        name="Answers come later than the client waits",
        kind=FaultKind.API_SERVER,
        sees=LATE,
        proof=f"{SAME} The process may end once, since its Lease ran out.",
        play=disturbed((Match(watch=False), Delay(6), {"for_seconds": 15}), restarts=1),
    ),
    Fault(
        name="Fifteen answers break off in the middle",
        kind=FaultKind.API_SERVER,
        sees=LATE,
        proof=SAME,
        play=disturbed((Match(watch=False, path=_LEASES_APART), CutAfter(bytes=60), {"times": 15})),
    ),
    Fault(
        name="Fifteen requests are cut off before they arrive",
        kind=FaultKind.API_SERVER,
        sees=LATE,
        proof=SAME,
        play=disturbed((Match(path=_LEASES_APART), Drop(), {"times": 15})),
    ),
    Fault(
        name="Four requests get no answer at all",
        kind=FaultKind.API_SERVER,
        sees=LATE,
        proof=SAME,
        play=disturbed((Match(watch=False, path=_LEASES_APART), Hang(), {"times": 4})),
    ),
    Fault(
        name="The answers to writes are lost, and the writes are done",
        kind=FaultKind.API_SERVER,
        sees=LATE,
        proof="Each child exists once, and the Lease is kept.",
        tests=(f"{RESILIENCE}::TestOutage::test_writes_whose_answers_are_lost_are_done_once",),
    ),
    Fault(
        name="A watch expires (410)",
        kind=FaultKind.API_SERVER,
        sees=LATE,
        proof="An edit after it is seen to, without a listing by the clock.",
        tests=(f"{RESILIENCE}::TestWatches::test_a_watch_that_expired_is_begun_anew",),
    ),
    Fault(
        name="Watches have a gap, and things are deleted in it",
        kind=FaultKind.API_SERVER,
        sees=LATE,
        proof="What was deleted in the gap is repaired, or forgotten if it was the resource itself.",
        tests=(f"{RESILIENCE}::TestWatches::test_what_is_deleted_while_no_watch_sees_it_is_repaired",),
    ),
    Fault(
        name="Watches go silent and nobody says so",
        kind=FaultKind.API_SERVER,
        sees="What it always sees, at the latest after `GEMMA4_RESYNC_SECONDS`.",
        proof="An edit and a new resource are seen to by the next listing.",
        tests=(f"{RESILIENCE}::TestWatches::test_a_watch_that_went_silent_is_made_up_for_by_the_resync",),
    ),
    Fault(
        name="The operator's token is revoked, and another lies in its file",
        kind=FaultKind.API_SERVER,
        sees=NOTHING,
        proof=f"{SAME} The process may end once, since its Lease ran out.",
        play=token_revoked,
    ),
    Fault(
        name="The operator's role is taken away and given back",
        kind=FaultKind.API_SERVER,
        sees="Nothing in the status, which cannot be written; the operator's log names the permission.",
        proof=SAME,
        play=permission_withdrawn,
    ),
    Fault(
        name="Watches end, and new ones are forbidden (403) for 6 s",
        kind=FaultKind.API_SERVER,
        sees=LATE,
        proof=SAME,
        play=watching_forbidden,
    ),
    Fault(
        name="An admission webhook of others does not answer",
        kind=FaultKind.API_SERVER,
        sees="`ChildRejected` with the API server's words, which name the webhook.",
        proof=SAME,
        play=webhook_down,
    ),
)
