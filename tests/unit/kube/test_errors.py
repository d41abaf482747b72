"""What the API server answers, and what the caller is told to do about it."""

import json

import pytest

from gemma4_operator.kube.errors import (
    ApiError,
    ApiRejected,
    ApiUnavailable,
    Conflict,
    Forbidden,
    NotFound,
    from_response,
)


def status_object(message: str, reason: str = "") -> bytes:
    return json.dumps({"kind": "Status", "message": message, "reason": reason}).encode()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, ApiRejected),
        (401, ApiUnavailable),  # a token that expired is renewed; the request itself is fine
        (403, Forbidden),
        (404, NotFound),
        (408, ApiUnavailable),
        (409, Conflict),
        (410, ApiRejected),
        (422, ApiRejected),
        (429, ApiUnavailable),
        (500, ApiUnavailable),
        (503, ApiUnavailable),
        (504, ApiUnavailable),
    ],
)
def test_each_code_says_whether_to_try_again(code: int, kind: type[ApiError]) -> None:
    error = from_response(status=code, body=status_object("why", "Because"), retry_after=None)
    assert type(error) is kind
    assert (error.message, error.reason, error.status) == ("why", "Because", code)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0.5", 0.5), (None, None), ("", None), ("soon", None)])
def test_the_wish_of_a_busy_server_is_kept(header: str | None, seconds: float | None) -> None:
    error = from_response(status=429, body=b"{}", retry_after=header)
    assert isinstance(error, ApiUnavailable)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"upstream connect error", "upstream connect error"),
        (b"", ""),
        (b"[1]", "the API server answered 502"),
        (b"{}", "the API server answered 502"),
        (b"\xff\xfe", "��"),
    ],
)
def test_an_answer_of_a_proxy_in_between_is_no_traceback(body: bytes, message: str) -> None:
    assert message in from_response(status=502, body=body, retry_after=None).message


def test_a_namespace_that_is_going_away_is_told_from_a_missing_permission() -> None:
    terminating = (
        'services "chat" is forbidden: unable to create new content in namespace team because it is being terminated'
    )
    assert Forbidden(terminating, status=403).namespace_is_terminating
    assert not Forbidden('services is forbidden: User "x" cannot patch', status=403).namespace_is_terminating


@pytest.mark.parametrize(
    "message",
    [
        "failed to create typed patch object (team/chat; apps/v1, Kind=Deployment): .spec.nope: field not declared",
        "failed to convert new object (team/chat; apps/v1, Kind=Deployment) to proper version: quantities must match",
    ],
)
def test_a_malformed_apply_is_rejected_though_the_server_says_500(message: str) -> None:
    error = from_response(status=500, body=status_object(message), retry_after=None)
    assert type(error) is ApiRejected
    assert error.message == message


def test_a_webhook_that_does_not_answer_is_told_and_not_waited_for_in_silence() -> None:
    said = 'Internal error occurred: failed calling webhook "policy.example.com": connection refused'
    error = from_response(status=500, body=status_object(said, "InternalError"), retry_after=None)
    assert type(error) is ApiRejected
    assert error.message == said
