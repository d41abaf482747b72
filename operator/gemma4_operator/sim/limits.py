"""How far a rule's knobs may be turned: what lies beyond would end in no number, or in a run without end.

Rules and their knobs are as their projects have them; what a command line may ask of them is bounded here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gemma4_operator.sim import ours
from gemma4_operator.sim.peers.knobs import BadPolicy

_LONGEST = 40
"""Characters of a value: a whole number with hundreds of digits is none that a float can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a number may be.

    Attributes:
        or_zero: Whether 0 is allowed too, where it means that there is none.
        is_whole: Whether it counts something, for messages.
    """

    least: float
    most: float
    or_zero: bool = False
    is_whole: bool = False

    def allow(self, value: float) -> bool:
        """Return whether a value is within them."""
        return self.least <= value <= self.most or (self.or_zero and value == 0)

    def __str__(self) -> str:
        """Return them as what must be."""
        number = "a whole number" if self.is_whole else "a number"
        return f"{'0 or ' if self.or_zero else ''}{number} from {self.least:g} to {self.most:g}"


_SHARE = Limits(least=0.01, most=1)
_TOLERANCE = Limits(least=0, most=1)
_PERCENT = Limits(least=1, most=100)
_GROWTH_PERCENT = Limits(least=1, most=100_000)
_MULTIPLE = Limits(least=0.01, most=100)
_RATE = Limits(least=1, most=100_000)
_TARGET = Limits(least=0.01, most=100_000)
"""Requests of one replica; Knative takes no less either."""
_COUNT = Limits(least=1, most=10_000, is_whole=True)
"""As many as `--max-replicas` may be."""
_SECONDS = Limits(least=1, most=3600)
"""Kubernetes and Knative remember no longer either; a rule that is asked more often than each second plays no day."""
_WINDOW = Limits(least=1, most=3600, or_zero=True)
_PAUSE = Limits(least=1, most=86_400, or_zero=True)

LIMITS: Mapping[str, Mapping[str, Limits]] = {
    ours.NAME: {
        "share": _SHARE,
        "prior": _MULTIPLE,
        # The operator itself looks every five seconds.
        "scrape": Limits(least=ours.TICK_SECONDS, most=3600, or_zero=True),
    },
    "clairvoyant": {"times": Limits(least=0.1, most=10), "window_seconds": _SECONDS, "tick_seconds": _SECONDS},
    "dynamo": {
        "safety": _MULTIPLE,
        "throughput_seconds": _SECONDS,
        "load_seconds": _SECONDS,
        "down_percent": _PERCENT,
        "samples": _COUNT,
        "step": _COUNT,
    },
    "hpa": {
        "target": _TARGET,
        "tolerance": _TOLERANCE,
        "sync_seconds": _SECONDS,
        "up_window_seconds": _WINDOW,
        "down_window_seconds": _WINDOW,
        "up_percent": _GROWTH_PERCENT,
        "up_pods": _COUNT,
        "up_period_seconds": _SECONDS,
    },
    "keda": {
        "target": _TARGET,
        "poll_seconds": _SECONDS,
        "cooldown_seconds": _PAUSE,
        "sync_seconds": _SECONDS,
        "tolerance": _TOLERANCE,
        "down_window_seconds": _WINDOW,
    },
    "knative": {
        "target": _TARGET,
        "utilization_percent": _PERCENT,
        "tick_seconds": _SECONDS,
        "stable_seconds": _SECONDS,
        "panic_window_percent": _PERCENT,
        "panic_threshold_percent": Limits(least=100, most=1000),
        "up_rate": _RATE,
        "down_rate": _RATE,
        "down_delay_seconds": _WINDOW,
        "grace_seconds": _PAUSE,
    },
    "kubeai": {
        "target": _TARGET,
        "interval_seconds": _SECONDS,
        "window_seconds": _SECONDS,
        "down_delay_seconds": _PAUSE,
    },
    "llmd": {
        "up": _MULTIPLE,
        "down": _MULTIPLE,
        "share": _SHARE,
        "most": _MULTIPLE,
        "rate_seconds": _SECONDS,
        "mean_seconds": _SECONDS,
        "sync_seconds": _SECONDS,
        "up_window_seconds": _WINDOW,
        "up_period_seconds": _SECONDS,
        "up_pods": _COUNT,
        "up_percent": _GROWTH_PERCENT,
        "down_window_seconds": _WINDOW,
        "down_period_seconds": _SECONDS,
        "down_pods": _COUNT,
    },
    "static": {"replicas": _COUNT},
    "wva": {
        "up": _SHARE,
        "down": _SHARE,
        "cache_share": _SHARE,
        "queue_threshold": _COUNT,
        "analyze_seconds": _SECONDS,
        "peak_seconds": _SECONDS,
        "sync_seconds": _SECONDS,
        "down_window_seconds": _WINDOW,
    },
}
"""Of each rule, all knobs that are numbers."""


def require_short(texts: Mapping[str, str], *, name: str) -> None:
    """Raise BadPolicy for a value that is longer than any number is."""
    for key, text in texts.items():
        if len(text) > _LONGEST:
            has = f"{len(text)}: {text[:_LONGEST]}..."
            raise BadPolicy(f"`{key}` of `{name}` must have at most {_LONGEST} characters, and has {has}")


def require_within(knobs: object, texts: Mapping[str, str], *, name: str) -> None:
    """Raise BadPolicy where a knob that was named is turned too far.

    Args:
        knobs: As they were read.
        texts: Those that were named, as they were given.
        name: The rule.
    """
    for key, text in texts.items():
        limits = LIMITS[name].get(key)
        if limits is not None and not limits.allow(getattr(knobs, key)):
            raise BadPolicy(f"`{key}` of `{name}` must be {limits}, and is '{text}'")
