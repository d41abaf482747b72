"""What fails in the event loop where nobody waits for it.

Two slips of kopf 1.45 would be told with a traceback that only frightens whoever reads the log on a bad day, though
nothing comes of them. All else is told as ever.

* It ends a watch that is only being begun by cancelling the task it believes itself in, and in a callback there is
  none, as on the day on which the CRD is deleted. The request ends by itself, and its answer is thrown away.
* It asks for all kinds of the cluster in several tasks, and hears the first that fails. That ends the process, which
  says so; the others have failed of the same lost connection.
"""

import asyncio
import logging
import traceback
from types import CoroutineType
from typing import Any

_REQUESTS = "kopf/_cogs/clients/api.py"
_SCAN = "kopf/_cogs/clients/scanning.py"
log = logging.getLogger(__name__)


def failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what failed in a callback, or a task that nobody asks, as `loop.set_exception_handler` wants it."""
    error = context.get("exception")
    if isinstance(error, AssertionError) and _raised_in(error, _REQUESTS):
        log.debug("A watch was ended while it was being begun.")
    elif _is_task_of(context.get("future"), _SCAN):
        log.debug("The cluster's kinds were not all told: %s", error)
    else:
        loop.default_exception_handler(context)


def _raised_in(error: AssertionError, path: str) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and _is(frames[-1].filename, path)


def _is_task_of(future: Any, path: str) -> bool:
    work = future.get_coro() if isinstance(future, asyncio.Task) else None
    return isinstance(work, CoroutineType) and _is(work.cr_code.co_filename, path)


def _is(filename: str, path: str) -> bool:
    return filename.replace("\\", "/").endswith(path)
