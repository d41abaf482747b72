"""What fails in the event loop where nobody waits for it.

kopf 1.45 ends a watch that is only being begun by cancelling the task it believes itself in, and in a callback there is
none. Nothing comes of it: the request ends by itself, and its answer is thrown away. A traceback for it would only
frighten whoever reads the log on a bad day, such as that on which the CRD was deleted. All else is told as ever.
"""

import asyncio
import logging
import traceback
from typing import Any

_KOPF = "kopf/_cogs/clients/api.py"
log = logging.getLogger(__name__)


def failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what failed in a callback, as `loop.set_exception_handler` wants it."""
    error = context.get("exception")
    if isinstance(error, AssertionError) and _is_of_kopf(error):
        log.debug("A watch was ended while it was being begun.")
        return
    loop.default_exception_handler(context)


def _is_of_kopf(error: AssertionError) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.replace("\\", "/").endswith(_KOPF)
