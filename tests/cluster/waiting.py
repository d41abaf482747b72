"""Waiting for a cluster to get somewhere: a poll that says, when time is up, what it saw last."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


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
        timeout_seconds: After this a ``TimeoutError`` is raised. The predicate is always asked at least once.
        describe: What is being waited for, as it should read after "waited 30 s for"; a function is asked only at
            the end, so that it can look at the cluster.
        interval_seconds: Pause between two questions.
        retry_on: Exceptions of the predicate that mean "not yet"; all others pass at once.
    """
    deadline = time.monotonic() + timeout_seconds
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
            raise TimeoutError(f"waited {timeout_seconds:g} s for {text}; last answer: {_short(last)}")
        time.sleep(interval_seconds)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 2000 else f"{text[:2000]}... ({len(text)} characters)"
