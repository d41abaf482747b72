"""The process: health first, then the Lease, then one look at everything, then kopf and the workers together."""

import asyncio
import logging
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

import kopf
from kubernetes.aio.client.api_client import ApiClient

from gemma4_operator.api.autoscaling import MetricsSource
from gemma4_operator.engines.registry import engines
from gemma4_operator.kube.api import Api, Object
from gemma4_operator.kube.connect import connect, kopf_login
from gemma4_operator.kube.events import Recorder
from gemma4_operator.kube.lease import LeaseElector
from gemma4_operator.kube.retry import Backoff, Endless
from gemma4_operator.runtime import facts, loop, surroundings
from gemma4_operator.runtime.autoscale import Autoscaler
from gemma4_operator.runtime.contest import Contests
from gemma4_operator.runtime.converge import FIELD_MANAGER
from gemma4_operator.runtime.desire import Desires
from gemma4_operator.runtime.direct import Direct
from gemma4_operator.runtime.gauge import Gauge
from gemma4_operator.runtime.health import serve_health
from gemma4_operator.runtime.metrics import Metrics
from gemma4_operator.runtime.prometheus import Prometheus, Unconfigured
from gemma4_operator.runtime.queue import KeyedQueue
from gemma4_operator.runtime.reconcile import Reconciler
from gemma4_operator.runtime.resync import Resync
from gemma4_operator.runtime.scrape import Scraper
from gemma4_operator.runtime.settings import Settings
from gemma4_operator.runtime.store import Key
from gemma4_operator.runtime.taken import Taken
from gemma4_operator.runtime.watches import Doorbell, kopf_settings, registry
from gemma4_operator.runtime.witness import Witness
from gemma4_operator.runtime.worker import Workers
from gemma4_operator.runtime.world import World, empty_world

KOPF_BACKOFF = Backoff(first_seconds=1.0, maximum_seconds=15.0)
log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class WatchesEnded(Exception):
    """kopf has given up on a watch: the kind is gone, or the right to watch it. A new process waits for it."""


@dataclass(slots=True)
class _State:
    """What /readyz says."""

    text: str = "starting"
    ready: bool = False


@dataclass(slots=True, kw_only=True)
class App:
    """The parts of one process, wired once.

    Attributes:
        jitter: A number in [0, 1), so that many operators do not retry in step.
    """

    settings: Settings
    client: ApiClient
    identity: str
    jitter: Callable[[], float] = random.random
    world: World = field(default_factory=empty_world)
    state: _State = field(default_factory=_State)
    queue: KeyedQueue[Key] = field(init=False)
    metrics: Metrics = field(init=False)
    lease: LeaseElector = field(init=False)
    api: Api = field(init=False)
    resync: Resync = field(init=False)
    scraper: Scraper = field(default_factory=Scraper)
    gauge: Gauge = field(init=False)
    prometheus: Prometheus | None = field(init=False)
    autoscaler: Autoscaler = field(init=False)

    def __post_init__(self) -> None:
        """Wire the parts; nothing is sent yet."""
        self.queue = KeyedQueue(clock=time.monotonic)
        self.metrics = Metrics(
            version=version("gemma4-operator"),
            lease=f"{self.settings.lease_namespace}/{self.settings.lease_name}",
            queue_depth=lambda: len(self.queue),
            queue_oldest_seconds=self.queue.oldest_seconds,
            is_leader=lambda: self.lease.is_leader,
            resources=self._resources,
            latencies=lambda key: self.autoscaler.latencies(key),
        )
        self.lease = LeaseElector(
            Api(self.client, jitter=self.jitter, observer=self.metrics.requested),
            namespace=self.settings.lease_namespace,
            name=self.settings.lease_name,
            identity=self.identity,
            monotonic=time.monotonic,
            now=_now,
        )
        self.api = Api(self.client, jitter=self.jitter, observer=self.metrics.requested, may_write=self.lease.require)
        self.gauge = Gauge(read=self.scraper.read, on_answer=self.queue.add)
        self.prometheus = _prometheus(self.settings)
        self.autoscaler = Autoscaler(
            pods=self.world.pods.owned_by,
            resource=self.world.custom_resources.get,
            sources={
                MetricsSource.PODS: Direct(ask=self.scraper.ask, period_seconds=self.settings.metrics_seconds),
                MetricsSource.PROMETHEUS: self.prometheus or Unconfigured(),
            },
            on_decision=self.queue.add,
            now=_now,
            monotonic=time.monotonic,
            period_seconds=self.settings.metrics_seconds,
        )
        self.resync = Resync(
            api=self.api,
            world=self.world,
            queue=self.queue,
            period_seconds=self.settings.resync_seconds,
            jitter=self.jitter,
            namespaces=self.settings.watch_namespaces,
        )

    async def run(self) -> None:
        """Run until the process is told to stop. Raises `LeadershipLost`, `WatchesEnded`."""
        async with serve_health(
            host=self.settings.health_host,
            port=self.settings.health_port,
            metrics=self.metrics,
            state=lambda: self.state.text,
            is_ready=lambda: self.state.ready,
        ) as port:
            log.info("Health and metrics on http://%s:%s", self.settings.health_host, port)
            await self.lease.acquire(on_wait=self._stand_by)
            try:
                await self._lead()
            finally:
                await self.lease.release()

    def _stand_by(self, why: str) -> None:
        log.info("Standing by: %s", why)
        self.state.text, self.state.ready = f"standing by: {why}", True

    async def _lead(self) -> None:
        log.info("Leading as '%s'", self.identity)
        self.state.text, self.state.ready = "leading; listing everything", False
        holding = asyncio.create_task(self.lease.hold(), name="hold the lease")
        try:
            listing = asyncio.create_task(self.resync.first(), name="first listing")
            await asyncio.wait({holding, listing}, return_when=asyncio.FIRST_COMPLETED)
            if holding.done():
                listing.cancel()
                await holding
            await listing
            await surroundings.report(self.api, self.world.node_views())
            self.state.text, self.state.ready = "leading", True
            await self._serve(holding)
        finally:
            await _ended(holding)

    async def _serve(self, holding: "asyncio.Task[None]") -> None:
        """Run kopf and our own tasks as one: when any of them ends, all do."""
        bystanders = asyncio.all_tasks()
        doorbell = Doorbell(
            world=self.world, queue=self.queue, on_relist=self.resync.soon, is_whole=self.resync.is_whole
        )
        kinds = tuple(self.world.shelves())
        namespaces = self.settings.watch_namespaces
        tasks = list(
            await kopf.spawn_tasks(
                registry=registry(doorbell=doorbell, kinds=kinds, login=lambda: kopf_login(self.client)),
                settings=kopf_settings(kinds=kinds, backoffs=Endless(KOPF_BACKOFF, jitter=self.jitter)),
                clusterwide=not namespaces,
                namespaces=namespaces,
            )
        )
        workers = self._workers()
        ours = [
            holding,
            asyncio.create_task(self.resync.forever(), name="resync"),
            *(asyncio.create_task(workers.work(), name=f"worker {n}") for n in range(self.settings.workers)),
        ]
        try:
            await kopf.run_tasks([*tasks, *ours], ignored=bystanders - {holding})
        except Exception as error:
            if any(map(_has_failed, ours)):
                raise
            raise WatchesEnded(f"Objects can no longer be watched, so the process ends: {error}") from error
        finally:
            self.gauge.close()
            self.autoscaler.close()
            await _ended(*ours)
            await self.scraper.close()
            if self.prometheus is not None:
                await self.prometheus.close()

    def _workers(self) -> Workers:
        recorder = Recorder(
            self.api,
            controller=FIELD_MANAGER,
            instance=self.identity,
            monotonic=time.monotonic,
            now=_now,
            on_drop=self._event_dropped,
        )
        catalog, faults = facts.known(self.settings.catalog_file)
        facts.report(faults)
        self.metrics.catalog_faults(len(faults))
        reconciler = Reconciler(
            api=self.api,
            world=self.world,
            recorder=recorder,
            desires=Desires(catalog=catalog, engines=engines(), nodes=self.world.node_views),
            taken=Taken(self.api, monotonic=time.monotonic, namespaces=self.settings.watch_namespaces),
            witness=Witness(self.api, monotonic=time.monotonic, now=_now),
            contests=Contests(monotonic=time.monotonic),
            gauge=self.gauge,
            autoscaler=self.autoscaler,
            unplaced_seconds=self.settings.unplaced_seconds,
            now=_now,
            monotonic=time.monotonic,
        )
        return Workers(queue=self.queue, reconcile=reconciler, metrics=self.metrics, jitter=self.jitter)

    def _event_dropped(self, why: str) -> None:
        self.metrics.event_dropped()
        log.warning("An event was dropped: %s", why)

    def _resources(self) -> Iterator[Object]:
        for key in self.world.custom_resources.owners():
            resource = self.world.custom_resources.get(key)
            if resource is not None:
                yield resource


def _prometheus(settings: Settings) -> Prometheus | None:
    """Return the Prometheus that the settings name, if they name one."""
    if not settings.prometheus_url:
        return None
    return Prometheus(
        url=settings.prometheus_url,
        monotonic=time.monotonic,
        namespace_label=settings.prometheus_namespace_label,
        pod_label=settings.prometheus_pod_label,
    )


def _has_failed(task: "asyncio.Task[None]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


async def _ended(*tasks: "asyncio.Task[None]") -> None:
    """End tasks; what they fail with has been heard already, or follows from the same loss of the Lease."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def run(settings: Settings) -> None:
    """Connect and run. Raises `NoCredentials`, `LeadershipLost`, `WatchesEnded`."""
    asyncio.get_running_loop().set_exception_handler(loop.failed)
    client = await connect(user_agent=FIELD_MANAGER)
    try:
        identity = settings.identity or f"{socket.gethostname()}-{os.getpid()}"
        await App(settings=settings, client=client, identity=identity).run()
    finally:
        await client.close()
