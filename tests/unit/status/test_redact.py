"""Texts of others before they are shown: nothing secret, nothing that a terminal obeys or a reader is misled by."""

import time
import unicodedata
from collections.abc import Callable
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
    "a list of arguments": ("['vllm', 'serve', '--api-key', 'swordfish', '--foo']", "swordfish"),
    "the second key of a list": ("['--api-key', 'first', 'swordfish', '--foo']", "swordfish"),
    "arguments in JSON": ('["--api-key","swordfish"]', "swordfish"),
    "arguments in JSON in JSON": (r'{"msg": "args [\"--api-key\", \"swordfish\"]"}', "swordfish"),
    "arguments as Go prints them": ("[vllm serve --api-key swordfish]", "swordfish"),
    "arguments as Go quotes them": ('["vllm" "--api-key" "swordfish"]', "swordfish"),
    "an argument with its value in a list": ("['--api-key=sword, fish', '--foo']", "fish"),
    "arguments in YAML": ("- --api-key\n- swordfish", "swordfish"),
    "a flag with a quoted value": ("--api-key 'a swordfish'", "swordfish"),
    "any flag for a secret": ("--hf-token swordfish --port 1", "swordfish"),
    "in capitals": ("--API-KEY swordfish", "swordfish"),
    "several keys in one": ("--api-key first,swordfish", "swordfish"),
    "a dictionary of headers": ("{'authorization': 'bearer my-swordfish'}", "swordfish"),
    "a pair of headers": ("[(b'authorization', b'Bearer swordfish')]", "swordfish"),
    "another scheme": ('authorization: Digest username="x", response="swordfish"', "swordfish"),
    "a scheme alone": ("sent bearer my-swordfish", "swordfish"),
    "a small basic": ("authorization: basic c3dvcmRmaXNo", "c3dvcmRmaXNo"),
    "a key of its own header": ("{'x-api-key': 'swordfish'}", "swordfish"),
    "a cookie": ("Set-Cookie: session=swordfish; Secure", "swordfish"),
    "a token in JSON": ('{"token": "swordfish"}', "swordfish"),
    "a token in camels": ("accessToken: sw0rdfish", "sw0rdfish"),
    "a token for a session": ("aws_session_token=swordfish", "swordfish"),
    "an account's key": ("AccountName=a;AccountKey=swordfish==;", "swordfish"),
    "credentials": ('"credentials": {"user": "me", "value": "swordfish"}', "swordfish"),
    "a variable of a container": ('{"name": "HF_TOKEN", "value": "swordfish"}', "swordfish"),
    "a variable in YAML": ("- name: DB_PASS\n  value: swordfish", "swordfish"),
    "as Rust prints it": ('Args { api_key: Some("swordfish"), port: 1 }', "swordfish"),
    "as Go prints a map": ("map[api_key:swordfish port:1]", "swordfish"),
    "what OpenAI says": ("Incorrect API key provided: my-swordfish. You can find it at x", "swordfish"),
    "what others say": ("API key sw0rdfish is invalid", "sw0rdfish"),
    "a token that is wrong": ("Invalid token sw0rdfish", "sw0rdfish"),
    "a quote in a value": (r'{"password": "a\"swordfish"}', "swordfish"),
    "a value that is cut": ("{'password': 'a swordfi", "swordfi"),
    "several in a list": ("api_key=['a', 'swordfish']", "swordfish"),
    "a user in an address": ("GET https://swordfish@hub.example.com/x", "swordfish"),
    "a password without a user": ("redis://:swordfish@cache:6379", "swordfish"),
    "an at sign in a password": ("https://me:a@swordfish@hub.example.com/x", "swordfish"),
    "a token in an address": ("GET https://a.example.com/x?a=1&access_token=swordfish&b=2", "swordfish"),
    "a signature at Azure": ("GET https://a.example.com/x?se=1&sig=swordfish%3D", "swordfish"),
    "an address as Go prints it": (r'"https://a.example.com/x?a=1\u0026X-Amz-Signature=swordfish"', "swordfish"),
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
    "max_num_batched_tokens=8192, --max-num-seqs 16, max_tokens: 128",
    '"num_tokens": 5, "tokenizer": "google/gemma-4-31B-it", "eos_token": "<turn|>"',
    "Error in tokenizer: google/gemma-4-31B-it has none",
    "Unexpected token: foo1; expected token: bar2",
    "time to the first token: 230.5 ms, time_per_output_token=0.02s",
    "HF_TOKEN is not set; HF_TOKEN: not set",
    "HF_TOKEN:  <set to the key 'token' in secret 'hub'>",
    "--ssl-keyfile /etc/tls/tls.key --ssl-key /etc/tls/tls.key --api-key-file /run/key",
    "error: argument --api-key: expected at least one argument",
    "--api-key needs a value; --api-key --port 8000",
    "references non-existent secret key: token-1",
    'secret "hub-token" not found',
    'MountVolume.SetUp failed for volume "hub-token" : secret "hub-token" not found',
    'secrets "hub-token" is forbidden: User "x" cannot get it',
    'Unable to mount pod="team-a/chat-1" secret="team-a/hub-token"',
    "secretKeyRef: {name: hub-1, key: token-1}; apiKey: {name: chat-1, key: key-1}",
    "imagePullSecret: regcred1",
    "topologyKey: topology.kubernetes.io/zone, cache_key=abc1",
    "Missing key(s) in state_dict: lm_head.weight; missing_keys: ['lm_head.weight']",
    "KeyError: 'layers.0.k_norm.weight'",
    "failed to fetch anonymous token: unexpected status from GET request to https://auth.docker.io/token?scope=x: 401",
    'failed to fetch oauth token: Get "https://auth.docker.io/token": dial tcp: lookup auth.docker.io: no such host',
    "pull access denied, authorization failed: no basic auth credentials",
    "server gave HTTP response; WWW-Authenticate: Bearer realm=x",
    "a bearer token is required",
    "docker-pullable://registry.example.com/team/vllm@sha256:0123456789abcdef",
    "monkey: banana1",
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


@pytest.mark.parametrize(
    "lines",
    [
        ["args:", "- --api-key", "- swordfish", "- --port"],
        ["[", "  '--api-key',", "  'swordfish',", "]"],
        ["vllm", "serve", "--api-key", "swordfish"],
        ["{", '  "api_key":', '    "swordfish"', "}"],
        ["-----BEGIN PRIVATE KEY-----", "abcdef", "swordfish", "-----END PRIVATE KEY-----"],
        ["env:", "- name: HF_TOKEN", "  value: swordfish"],
        ['{"level": "ERROR", "message": "bad\\n--api-key\\nswordfish"}'],
    ],
    ids=lambda lines: lines[0],
)
def test_nor_is_it_in_the_lines_of_a_log(lines: list[str]) -> None:
    log = gather(None, (), ["INFO begins", *lines, "RuntimeError: ends"]).log
    assert "swordfish" not in repr(log)
    assert (log[0], log[-1]) == ("INFO begins", "RuntimeError: ends")


def test_what_the_next_line_says_is_no_value_of_a_line_that_ends_with_a_name() -> None:
    log = ("Enter your token:", "Traceback (most recent call last):", "error: missing --api-key", "RuntimeError: ends")
    assert gather(None, (), log).log == log


PIECES = (
    *(
        "token",
        "api_key",
        "key",
        "--api-key",
        "Authorization",
        "bearer",
        "basic",
        "secret",
        "value",
        "https://",
        "?sig=",
    ),
    *("=", ": ", ":", ", ", " ", "\n", "'", '"', '\\"', "(", ")", "[", "]", "{", "}", "@", "&", "-", "$", "[redacted]"),
    *("abc1", "provided", "not", "hunter2;", "/etc/x", "<a>", "7"),
)


NAMES = st.sampled_from(
    [
        *(
            "api-key",
            "api_key",
            "apiKey",
            "hf_token",
            "access-token",
            "token",
            "password",
            "client_secret",
            "credentials",
        ),
        *("ssh-key", "secretAccessKey", "x-api-key", "db_passwd", "passphrase"),
    ]
)
SPELLINGS = st.sampled_from([str, str.lower, str.upper])
PRINTED = st.sampled_from(
    [
        *(
            "{name}={secret}",
            "{name}='{secret}'",
            '{name} = "{secret}"',
            "{name}: {secret}",
            "map[{name}:{secret} a:1]",
        ),
        *("{{'{name}': '{secret}'}}", '{{"{name}": "{secret}", "a": 1}}', '{{"{name}":"{secret}"}}'),
        *(
            '{{\\"{name}\\": \\"{secret}\\"}}',
            "{name}=['{secret}']",
            "('{name}', '{secret}')",
            '{name}: Some("{secret}")',
        ),
        *(
            "--{name} {secret}",
            "--{name}={secret} --b",
            "--{name}  '{secret}'",
            '--{name} "{secret}"',
            "[a --{name} {secret}]",
        ),
        *("['--{name}', '{secret}', '--b']", '["--{name}","{secret}"]', '[\\"--{name}\\",\\"{secret}\\"]'),
        *("['--{name}={secret}']", '["--{name}" "{secret}"]', "[a, --{name}, {secret}]", "- --{name}\n- {secret}\n- b"),
        *('{{"name": "{name}", "value": "{secret}"}}', "name: {name}\nvalue: {secret}", "Name:{name},Value:{secret}"),
        *(
            "the {name} provided: {secret}",
            "https://a.example.com/?b=1&{name}={secret}&c=2",
            "https://me:{secret}@a/{name}",
        ),
        *("authorization: Other {secret}", "{{'Authorization': '{secret}'}}", "bearer {secret} {name}"),
    ]
)
UNQUOTED = st.text(
    st.sampled_from("abcdefXYZ0123456789_-+/=.~!%^*:@"),
    min_size=7,
    max_size=40,
)


@given(name=NAMES, spelling=SPELLINGS, printed=PRINTED, secret=UNQUOTED, around=st.sampled_from(["", "E0101 ", "x: "]))
def test_however_it_is_printed_a_secret_does_not_survive(
    name: str, spelling: Callable[[str], str], printed: str, secret: str, around: str
) -> None:
    # It begins with a letter, as no path, number or further argument does, and has one that no word has.
    secret = f"q9{secret.replace('/', '') if '://' in printed else secret}7"
    text = around + printed.format(name=spelling(name), secret=secret)
    shown = clean(text)
    assert not any(secret[at : at + 6] in shown for at in range(len(secret) - 5))
    assert clean(shown) == shown


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join))
def test_what_was_made_fit_to_be_shown_stays_as_it_is(text: str) -> None:
    shown = clean(text)
    assert clean(shown) == shown


def test_a_long_text_of_names_takes_no_time() -> None:
    start = time.process_time()
    for piece in PIECES:
        clean(piece * 4096)
    assert time.process_time() - start < 5.0


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
