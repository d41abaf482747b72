"""Texts of others before they are shown: nothing secret, nothing that a terminal obeys or a reader is misled by."""

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gemma4_operator.status.conditions import Condition, render_conditions
from gemma4_operator.status.evidence import gather
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import clean, one_line

RANDOM = "Zk3v9Qw7Lx2Rt8Yp5Nb4Mc6Df1Gh0Js"
JWT = f"ey{'JhbGciOiJSUzI1NiJ9'}.ey{'JzdWIiOiJhIn0'}.{RANDOM}"
SECRETS = {
    "a token of the Hub": (f"401 for hf_{RANDOM}", f"hf_{RANDOM}"),
    "a key of NGC": (f"bad key nvapi-{RANDOM}", RANDOM),
    "a key of AWS": ("AKIA" + "IOSFODNN7EXAMPLE is not valid", "IOSFODNN7"),
    "a token of GitHub": (f"cloning with ghp_{RANDOM}", RANDOM),
    "a newer token of GitHub": (f"cloning with github_pat_{RANDOM}", RANDOM),
    "a token of GitLab": (f"cloning with glpat-{RANDOM}", RANDOM),
    "a key of OpenAI": (f"key sk-proj-{RANDOM}", RANDOM),
    "a key of Google": (f"key AIza{RANDOM}{RANDOM}", RANDOM),
    "a token of a ServiceAccount": (f"token {JWT} has expired", RANDOM),
    "a private key": (f"read -----BEGIN RSA PRIVATE KEY-----\n{RANDOM}\n-----END RSA PRIVATE KEY-----", RANDOM),
    "the start of a private key": (f"read -----BEGIN PRIVATE KEY-----\n{RANDOM}", RANDOM),
    "a header": (f"Authorization: Bearer {RANDOM}", RANDOM),
    "a header with a password": ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    "a password in an address": ("GET https://user:swordfish@hub.example.com/x", "swordfish"),
    "a signed address": (f"GET https://a.example.com/x?X-Amz-Signature={RANDOM}&a=1", RANDOM),
    "vLLM's arguments": ("non-default args: {'api_key': ['swordfish'], 'port': 8000}", "swordfish"),
    "a setting as printed": ("Namespace(api_key='swordfish', port=8000)", "swordfish"),
    "a variable": ("HF_TOKEN=swordfish not accepted", "swordfish"),
    "another variable": ("AWS_SECRET_ACCESS_KEY=swordfish", "swordfish"),
    "a flag": ("llama-server --api-key swordfish --port 8000", "swordfish"),
    "a flag with its value": ("llama-server --api-key=swordfish", "swordfish"),
    "a password in JSON": ('{"password": "swordfish", "a": 1}', "swordfish"),
    "a password in YAML": ("password: sw0rdfish", "sw0rdfish"),
    "in a colour": (f"401 for \x1b[31mhf_{RANDOM}\x1b[0m", RANDOM),
}
WORDS = [
    "Cannot find the requested files: HF_HUB_OFFLINE=1 and hf_transfer is set",
    "spec.secrets.apiKey: must be absent with Ollama and NIM, which let everyone in",
    "`spec.secrets.apiKey` must be absent with NIM: drop the key",
    'Secret "hub-token" not found',
    "couldn't find key token in Secret team-a/hub",
    "non-default args: {'api_key': None, 'max_model_len': 8192}",
    "BOS token = 2 '<bos>', EOS token = 106 '<turn|>', max_tokens=128",
    "the env references HF_TOKEN=$(HF_TOKEN)",
    "pull of registry.example.com/team/vllm@sha256:0123456789abcdef failed",
    "http://chat.team-a.svc:8000/v1",
    "password required",
    "the api_key: missing",
]


@pytest.mark.parametrize("case", SECRETS)
def test_what_opens_a_door_is_not_shown(case: str) -> None:
    text, secret = SECRETS[case]
    assert secret in text
    assert secret not in clean(text)
    assert "[redacted]" in clean(text)
    assert secret not in repr(gather(None, [{"reason": "Failed", "message": text}], text.splitlines()[:1]))


@pytest.mark.parametrize("text", WORDS)
def test_what_helps_is(text: str) -> None:
    assert clean(text) == text


MISLEADING = st.text(
    st.sampled_from("ab \n\t\r\x00\x07\x1b[31m\x7f\x85\x9b\u200b\u202e\u2066\u2028\u2029\ufeff\U000e0041")
)


@given(text=st.text() | MISLEADING)
@example(text="a\x1b[2Kb")
@example(text="a\x1b]0;title\x07b")
@example(text="Ready\n    Status: True")
@example(text="ab\u202egnp.exe")
@example(text="api_key=[redacted]")
def test_nothing_that_a_terminal_obeys_or_a_reader_is_misled_by_gets_into_a_condition(text: str) -> None:
    given_condition = Condition(type="Ready", status=False, reason=Reason.CHILD_REJECTED, message=text)
    (shown,) = render_conditions([given_condition], previous=(), generation=1, now=datetime(2026, 11, 29, tzinfo=UTC))
    message = shown["message"]
    assert not {unicodedata.category(letter) for letter in message} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(letter) for letter in message} & {"RLO", "LRO", "RLE", "LRE", "RLI", "LRI"}
    assert message == " ".join(message.split())
    assert one_line(message, most=len(message)) == message


def test_a_message_is_never_longer_than_the_api_takes() -> None:
    given_condition = Condition(type="Ready", status=False, reason=Reason.CHILD_REJECTED, message="a " * 40_000)
    (shown,) = render_conditions([given_condition], previous=(), generation=1, now=datetime(2026, 11, 29, tzinfo=UTC))
    assert 32_000 < len(shown["message"]) <= 32_768
