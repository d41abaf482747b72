"""Log lines: for people by default, as JSON for machines, and never one for each watch event."""

import json
import logging
from datetime import UTC, datetime

from gemma4_operator.runtime.passing import under_way
from gemma4_operator.runtime.settings import LogFormat, LogLevel


class JsonFormatter(logging.Formatter):
    """One JSON object a line; one of a pass says which resource it is about, and which pass."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        one = under_way()
        if one is not None:
            line |= {"namespace": one.key.namespace, "name": one.key.name, "reconcileId": one.id}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class Brevity(logging.Filter):
    """Takes kopf's tracebacks away: it logs one for each answer of the API server that ends a watch."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything pass."""
        if record.name.startswith("kopf."):
            record.exc_info = None
            record.exc_text = None
        return True


def configure(*, level: LogLevel, log_format: LogFormat) -> None:
    """Set up the root logger; kopf is quieter than ourselves, since it logs each event it delivers."""
    handler = logging.StreamHandler()
    if log_format is LogFormat.JSON:
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    if level is not LogLevel.DEBUG:
        handler.addFilter(Brevity())
    logging.basicConfig(level=level.value.upper(), handlers=[handler], force=True)
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
