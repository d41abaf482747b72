"""An autoscaler over hours, played in a moment.

Each round takes a period of a clock of the test; engines are those of the scaler's own tests, and do what was decided.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from gemma4_operator.api.autoscaling import MetricsSource
from gemma4_operator.api.status import AutoscalingStatus
from gemma4_operator.engines.dialects import VLLM as DIALECT
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.replicas import Scale, count
from gemma4_operator.runtime.announce import _scaled
from gemma4_operator.runtime.autoscale import ASKED_AT, Autoscaler
from gemma4_operator.runtime.sampler import Target
from gemma4_operator.runtime.store import Key
from gemma4_operator.scaling.planned import terms_of
from gemma4_operator.scaling.sample import Sample, Stage
from gemma4_operator.status.pods import PodView
from tests.rendering import CATALOG, ENGINES, VLLM, gpus, spec_of, with_fields
from tests.scaling import Engine, Rate

CHAT = Key("team-a", "chat")
BEGUN = datetime(2026, 11, 29, tzinfo=UTC)
ROUND_SECONDS = 5.0
BOOT_SECONDS = 100.0
AT_ONCE_SECONDS = 1e-6
GPU_LIMIT = "spec.placement.maximumGPUs"


class Played:
    """A resource, its pods with their engines, and the operator's autoscaler.

    Args:
        rate: Requests per second by the moment.
        serving: How many pods have served for long.
        slowness: How many times as long as planned engines take.
        told: What the status says from before a restart.
    """

    def __init__(
        self, rate: Rate, serving: int, *, slowness: float = 1.0, told: Mapping[str, Any] | None = None, **spec: Any
    ) -> None:
        self.rate, self.slowness, self.status = rate, slowness, dict(told or {})
        self.seconds, self.replicas, self.made = 0.0, serving, 0
        self.annotations: dict[str, str] = {}
        self.news: list[AutoscalingStatus] = []
        self.events: list[str] = []
        self.engines: list[Engine] = []
        for _ in range(serving):
            self._make(since_seconds=-1000.0)
            self.engines[-1].serving_since_seconds = -1000.0 + BOOT_SECONDS
        self.earlier: set[str] = set()
        self.coming: frozenset[str] = frozenset()
        self.places = 1000
        self.edit(**spec)
        found = choose(self.spec, catalog=CATALOG, engines=ENGINES, classes=(gpus("NVIDIA-H100-80GB-HBM3"),))
        assert isinstance(found, Plan), found
        self.plan = found
        self.restart()

    @property
    def now(self) -> datetime:
        """The time of day."""
        return BEGUN + timedelta(seconds=self.seconds)

    @property
    def said(self) -> AutoscalingStatus:
        """What the status says."""
        return AutoscalingStatus.model_validate(self.status)

    def edit(self, *, gpu_limit: int | None = None, **autoscaling: Any) -> None:
        """Have another spec."""
        placement = {"maximumGPUs": gpu_limit} if gpu_limit is not None else {}
        wished = with_fields(VLLM, autoscaling={"maxReplicas": 40, **autoscaling}, placement=placement)
        self.spec = spec_of(wished)

    def plan_anew(self, *, times_as_fast: float) -> None:
        """Have a plan for another GPU, which no pod finds yet: those that serve are as fast as ever."""
        said = self.plan.predicted
        faster = replace(
            said,
            step_microseconds=round(said.step_microseconds / times_as_fast),
            sequence_nanoseconds=round(said.sequence_nanoseconds / times_as_fast),
            prompt_token_nanoseconds=round(said.prompt_token_nanoseconds / times_as_fast),
        )
        self.plan, self.slowness = replace(self.plan, predicted=faster), self.slowness * times_as_fast
        self.earlier = {engine.name for engine in self.engines}

    def arrive(self) -> None:
        """Have all pods be of the plan, and as fast as it says."""
        self.slowness, self.earlier = 1.0, set()

    def ask(self, *, ahead_seconds: float) -> None:
        """Say that an answer is wanted, by a clock that is ahead by so much."""
        self.annotations[ASKED_AT] = (self.now + timedelta(seconds=ahead_seconds)).isoformat()

    def restart(self) -> None:
        """Have another process do the work, which knows what the status says."""
        self.scaler = Autoscaler(
            pods=lambda _: self.pods(),
            resource=lambda _: {"metadata": {"annotations": self.annotations}},
            sources=dict.fromkeys(MetricsSource, self),
            on_decision=lambda _: self.be_told(),
            now=lambda: self.now,
            monotonic=lambda: self.seconds,
            period_seconds=AT_ONCE_SECONDS,
        )

    def be_told(self) -> None:
        """Go once over the resource, as a pass does."""
        scale = Scale(live=self.replicas, decided=self.scaler.decided(CHAT))
        wanted = count(self.spec, self.plan, scale)
        self.replicas = wanted.replicas
        self.scaler.attend(
            CHAT,
            spec=self.spec,
            plan=self.plan,
            dialects=(DIALECT,),
            live=self.replicas,
            told=self.status,
            coming=self.coming,
            is_mixed=any(engine.name in self.earlier for engine in self.engines),
        )
        said = self.scaler.told(CHAT) or AutoscalingStatus.model_validate(self.status)
        before, now = self.status, said.model_copy(update={"desired_replicas": wanted.replicas})
        self.status = now.model_dump(mode="json", by_alias=True, exclude_none=True)
        if self.status != before:
            self.news.append(now)
        if event := _scaled({"autoscaling": before}, {"autoscaling": self.status}):
            self.events.append(event)
        while len(self.engines) < self.replicas:
            self._make(since_seconds=self.seconds)
        del self.engines[self.replicas :]

    async def play(self, seconds: float) -> AutoscalingStatus:
        """Let so much time pass, after a pass; return what is said then."""
        end = self.seconds + seconds
        self.be_told()
        async with asyncio.timeout(600):
            while self.seconds < end:
                await asyncio.sleep(0)
        return self.said

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End as a process does: what is not in the status is lost."""
        self.scaler.close()

    def pods(self) -> list[PodView]:
        """Return the pods as they are now."""
        return [
            PodView(
                name=engine.name,
                ready=engine.stage is Stage.SERVING,
                address="127.0.0.1",
                unschedulable="" if engine.has_place else "0/2 nodes are available",
                created_at=BEGUN + timedelta(seconds=engine.since_seconds),
                ready_at=BEGUN + timedelta(seconds=engine.serving_since_seconds)
                if engine.serving_since_seconds is not None
                else None,
            )
            for engine in self.engines
        ]

    async def read(self, key: Key, targets: Sequence[Target]) -> Mapping[str, Sample]:
        """Let a round's time pass, and have the engines say what they count."""
        serving = [engine for engine in self.engines if engine.stage is Stage.SERVING]
        assert self.spec.autoscaling is not None
        planned = terms_of(self.plan, self.spec, self.spec.autoscaling, running=1).service
        for engine in serving:
            offered = self.rate(self.seconds) * ROUND_SECONDS / len(serving)
            engine.work(offered, ROUND_SECONDS, planned.slowed(self.slowness))
        self.seconds += ROUND_SECONDS
        for place, engine in enumerate(self.engines):
            engine.has_place = place < self.places
            if engine.stage is Stage.LOADING and self.seconds - engine.since_seconds >= BOOT_SECONDS:
                engine.serving_since_seconds = self.seconds
        return {engine.name: Sample(at_seconds=self.seconds, counts=engine.counts()) for engine in serving}

    def trouble(self, key: Key) -> str:
        """Say that nothing is wrong."""
        return ""

    def forget(self, key: Key) -> None:
        """Keep nothing anyway."""

    def _make(self, *, since_seconds: float) -> None:
        self.engines.append(Engine(name=f"chat-{self.made}", since_seconds=since_seconds))
        self.made += 1
