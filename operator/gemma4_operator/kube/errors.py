"""What can go wrong at the API server, sorted by what the caller should do about it.

ApiError
├── ApiUnavailable      try again later: no connection, a time-out, 429, 5xx, an expired token
├── ApiRejected         the request itself is wrong: 4xx
│   ├── NotFound        404
│   ├── Conflict        409
│   └── Forbidden       403
└── LeadershipLost      not ours to write any more: end the process
"""

import json
from http import HTTPStatus
from typing import Any


class ApiError(Exception):
    """Anything the API server did not do.

    Attributes:
        status: HTTP status, 0 when there was no answer.
        reason: The API server's own CamelCase reason, such as `AlreadyExists`.
        message: One sentence, the API server's where it gave one.
    """

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason


class ApiUnavailable(ApiError):
    """The API server cannot answer now; nothing about the request is wrong."""

    def __init__(
        self, message: str, *, status: int = 0, reason: str = "", retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, status=status, reason=reason)
        self.retry_after_seconds = retry_after_seconds


class ApiRejected(ApiError):
    """The API server understood the request and refuses it; the same request will be refused again."""


class NotFound(ApiRejected):
    """There is no such object, or no such kind."""


class Conflict(ApiRejected):
    """Someone else changed or made the object first."""


class Forbidden(ApiRejected):
    """A permission is missing, a quota is used up, or the namespace is going away."""

    @property
    def namespace_is_terminating(self) -> bool:
        """Whether the refusal only means that the whole namespace is being deleted."""
        return "because it is being terminated" in self.message


class LeadershipLost(ApiError):
    """The Lease could not be renewed in time; another replica may be writing by now."""


_REJECTIONS: dict[int, type[ApiRejected]] = {
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.FORBIDDEN: Forbidden,
}
_MALFORMED = ("failed to create typed patch object", "failed to convert new object")
"""What the API server says, with status 500, of an applied object that has a wrong type or quantity inside."""
_UNHOOKED = "failed calling webhook"
"""What it says, with status 500, where a webhook of others does not answer: nobody mends that by trying faster."""
_TRANSIENT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


def from_response(*, status: int, body: bytes, retry_after: str | None) -> ApiError:
    """Map an answer of 400 or more to an error, keeping the API server's own words."""
    details = _status_object(body)
    message = str(details.get("message") or f"the API server answered {status}")
    reason = str(details.get("reason") or "")
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and (message.startswith(_MALFORMED) or _UNHOOKED in message):
        return ApiRejected(message, status=status, reason=reason)
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ApiUnavailable(message, status=status, reason=reason, retry_after_seconds=_seconds(retry_after))
    return _REJECTIONS.get(status, ApiRejected)(message, status=status, reason=reason)


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace").strip()[:500]}
    return parsed if isinstance(parsed, dict) else {}


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header else None
    except ValueError:
        return None
