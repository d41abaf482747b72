"""Waiting for a cluster to get somewhere: a poll that says, when time is up, what it saw last."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 4.0
"""How many times as long as callers ask for is waited before a wait is given up. They say what a busy machine of two
cores takes; a slower one, on which all is cold, must not fail for that. What comes is never waited for any longer."""


def wait_for(
    predicate: Callable[[], T],
    timeout_seconds: float = 30.0,
    describe: str | Callable[[], str] = "the condition",
    *,
    interval_seconds: float = 0.1,
    retry_on: tuple[type[Exception], ...] = (),
) -> T:
    """Returns the first truthy answer of ``predicate``.

    Args:
        predicate: Asked at once, then every ``interval_seconds``.
        timeout_seconds: After this, times ``PATIENCE``, a ``TimeoutError`` is raised. The predicate is always asked at
            least once.
        describe: What is being waited for, as it should read after "waited 30 s for"; a function is asked only at
            the end, so that it can look at the cluster.
        interval_seconds: Pause between two questions.
        retry_on: Exceptions of the predicate that mean "not yet"; all others pass at once.
    """
    patience_seconds = PATIENCE * timeout_seconds
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            last: object = predicate()
        except retry_on as error:
            last = error
        else:
            if last:
                return last  # type: ignore[return-value]  # it is the T that predicate returned
        if time.monotonic() >= deadline:
            text = describe if isinstance(describe, str) else describe()
            raise TimeoutError(f"waited {patience_seconds:g} s for {text}; last answer: {_short(last)}")
        time.sleep(interval_seconds)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 2000 else f"{text[:2000]}... ({len(text)} characters)"
