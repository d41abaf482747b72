"""One soak: resources are made, disturbed for a while, left in peace, and then looked through one by one."""

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from gemma4_operator.runtime.world import GEMMA4_DEPLOYMENT
from tests.cluster import Cluster, wait_for
from tests.cluster.cluster import RESTRICTED
from tests.cluster.proxy import FaultProxy
from tests.cluster.waiting import PATIENCE
from tests.fuzz.resources import resources
from tests.integration.disturbances import KILL, Scene, await_alike, calmed, twin_of
from tests.integration.home import Home, condition, names, sample
from tests.integration.objects import NAMESPACE_PATH, Object, Objects, Refused
from tests.integration.operating import OperatorProcess, Operators
from tests.soak.vitals import Growth, Vitals, growth

BAD_PERCENT = 20
"""Of the resources, so many are of the kind that nobody would write."""
SAY_SECONDS = 15.0
PATIENCE_SECONDS = 60.0
QUIET_SECONDS = 3.0
LEAST_DISTURBANCES = 15
"""However slow the machine: a soak without them shows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, how many, and by which seed."""

    seconds: float
    resources: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a soak has found. `faults` are sentences; none: all is well."""

    disturbances: Counter[str]
    restarts: int
    resources: int
    settled_seconds: float
    growth: Growth
    vitals: Vitals
    passes: int
    requests: int
    faults: tuple[str, ...]


def soak(cluster: Cluster, objects: Objects, folder: Path, plan: Plan, *, say: Callable[[str], None]) -> Outcome:
    """Run one soak on a cluster that has the kind installed and nodes to spare; leaves nothing behind."""
    home = _home(cluster, objects)
    operators = Operators(cluster, folder)
    try:
        with FaultProxy(upstream=cluster.server, ca=cluster.authority) as proxy:
            operator = operators.new(server=proxy.server, authority=proxy.ca, resync_seconds=10).wait_leading()
            return _soaked(home, operator, proxy, plan, say=say)
    finally:
        operators.end()
        home.end()


def _home(cluster: Cluster, objects: Objects) -> Home:
    name = f"soak-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}
    objects.request("POST", NAMESPACE_PATH, body=body)
    return Home(cluster, objects, name)


def _soaked(
    home: Home, operator: OperatorProcess, proxy: FaultProxy, plan: Plan, *, say: Callable[[str], None]
) -> Outcome:
    bad = _make_bad(home, plan.resources * BAD_PERCENT // 100)
    good = names(plan.resources - len(bad))
    home.create(*(sample(name) for name in good))
    say(f"{len(good)} resources of the usual kind and {len(bad)} of an odd one in {home.namespace}")
    scene = Scene(home, operator, proxy, names=good, nodes=(), chance=Random(plan.seed))
    vitals, done = Vitals(), Counter[str]()
    with calmed(scene):
        _disturb(scene, vitals, done, plan, say=say)
    calm_at = time.monotonic()
    say("no more faults: waiting for peace")
    faults = _await_peace(scene, bad)
    settled_seconds = time.monotonic() - calm_at
    say(f"peace after {settled_seconds:.0f} s: comparing with twins that nobody has disturbed")
    faults += _compared(home, good)
    faults += _quiet(home, operator)
    operator.wait_leading()
    vitals.look(operator)
    grown = growth(vitals.last_life())
    faults += grown.faults()
    if first := operator.stumble(ever=True):
        faults.append(f"the log has {operator.whole_log().count('Traceback')} tracebacks; the first:\n{first}")
    exposition = operator.metrics()
    return Outcome(
        disturbances=done,
        restarts=scene.restarts,
        resources=plan.resources,
        settled_seconds=settled_seconds,
        growth=grown,
        vitals=vitals,
        passes=int(_sum(exposition, r"gemma4_operator_reconcile_seconds_count")),
        requests=proxy.count(),
        faults=tuple(faults),
    )


def _make_bad(home: Home, count: int) -> list[str]:
    """Create resources that nobody would write, as far as the API server lets them in; return their names."""
    made: list[str] = []
    for one in resources(20 * count + 20, seed=9):
        if len(made) == count:
            break
        spec = one.body.get("spec")
        body = {**one.body, "spec": {**spec, "replicas": 0} if isinstance(spec, dict) else spec}
        try:
            home.create(body)
        except Refused:
            continue
        made.append(one.name)
    return made


def _disturb(scene: Scene, vitals: Vitals, done: Counter[str], plan: Plan, *, say: Callable[[str], None]) -> None:
    """Do one thing after another until the time is up, and say each while what was done."""
    started = time.monotonic()
    said = started
    while (now := time.monotonic()) - started < plan.seconds or done.total() < LEAST_DISTURBANCES:
        if now - started > plan.seconds / 3:
            # What grows shows in a life of some length.
            scene.spared = {KILL}
        done[scene.disturb().partition(" (")[0]] += 1
        time.sleep(min(0.5, plan.seconds / 40))
        if now - said >= min(SAY_SECONDS, plan.seconds / 4):
            said = now
            look = vitals.look(scene.operator)
            shown = f"{look.rss_mib:.0f} MiB, {look.threads} threads, {look.files} files" if look else "no operator"
            left = plan.seconds - (now - started)
            say(f"{done.total()} disturbances, {scene.restarts} restarts, {shown}; {left:.0f} s to go")


def _await_peace(scene: Scene, bad: list[str]) -> list[str]:
    """Wait until every resource is told of as it is now, those of the usual kind as ready; return what is not."""
    deadline = time.monotonic() + PATIENCE * (PATIENCE_SECONDS + len(scene.names))
    while time.monotonic() < deadline:
        lost = _untold(scene.home, bad)
        if not lost and not scene.unsettled():
            return []
        time.sleep(0.5)
    unsettled = [f"{name} is not ready: {json.dumps(ready)}" for name, ready in scene.unsettled().items()]
    return unsettled + [f"{name} is not told of" for name in _untold(scene.home, bad)]


def _untold(home: Home, wanted: list[str]) -> list[str]:
    listed = {one["metadata"]["name"]: one for one in home.objects.list(GEMMA4_DEPLOYMENT, home.namespace)}
    return [name for name in wanted if name not in listed or not _is_told(listed[name])]


def _is_told(resource: Object) -> bool:
    ready = condition(resource, "Ready")
    return bool(ready.get("reason")) and ready.get("observedGeneration") == resource["metadata"]["generation"]


def _compared(home: Home, good: list[str]) -> list[str]:
    """Return what differs from a twin that nobody has disturbed; resources that wish the same share one."""
    wishes: dict[str, Object] = {}
    wish_of: dict[str, str] = {}
    for name in good:
        resource = home.resource(name)
        wish_of[name] = json.dumps(resource["spec"], sort_keys=True)
        wishes.setdefault(wish_of[name], resource)
    twins = {wish: f"twin-{number}" for number, wish in enumerate(wishes)}
    home.create(*(twin_of(wishes[wish], twin) for wish, twin in twins.items()))
    home.wait_ready(*twins.values(), timeout_seconds=PATIENCE_SECONDS + 2 * len(twins))
    pairs = {name: twins[wish_of[name]] for name in good}
    differing = await_alike(home, pairs, timeout_seconds=PATIENCE * PATIENCE_SECONDS)
    return [f"{name} differs from an undisturbed twin in {', '.join(paths)}" for name, paths in differing.items()]


def _quiet(home: Home, operator: OperatorProcess) -> list[str]:
    """Return whether anything is still written, or overdue in the queue."""
    faults = []

    def overdue_seconds() -> float:
        return _sum(wait_for(operator.metrics, 20, "the operator's metrics"), "gemma4_operator_queue_oldest_seconds")

    try:
        home.wait_quiet(seconds=QUIET_SECONDS, timeout_seconds=PATIENCE_SECONDS)
        # A starved machine comes late to a key now and then; what is never taken grows older and older.
        wait_for(
            lambda: overdue_seconds() <= 1, 20, lambda: f"the queue: a key is overdue by {overdue_seconds():.0f} s"
        )
    except TimeoutError as error:
        faults.append(str(error))
    return faults


def _sum(exposition: str, name: str) -> float:
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*?\}})? (\S+)$", exposition, re.MULTILINE))
