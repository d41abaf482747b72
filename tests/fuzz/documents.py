"""Files that are broken in every way that a file can be: by an editor, a transfer, a template, or on purpose."""

import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import yaml

from tests.fuzz.junk import EVERYTHING

SEED = 6
CHAT: dict[str, Any] = {
    "apiVersion": "gemma4.dev/v1alpha1",
    "kind": "Gemma4Deployment",
    "metadata": {"name": "chat"},
    "spec": {"model": {"variant": "E2B", "quantization": "Q4_K_M"}, "replicas": 0},
}
YAML = yaml.safe_dump(CHAT, sort_keys=False)
JSON = json.dumps(CHAT, indent=1)
_HEAD = "apiVersion: gemma4.dev/v1alpha1\nkind: Gemma4Deployment\n"
_NAMED = f"{_HEAD}metadata: {{name: chat}}\n"


def documents() -> Mapping[str, bytes]:
    """Return more than two hundred documents by what is wrong with them."""
    found = {name: text if isinstance(text, bytes) else text.encode() for name, text in _by_hand().items()}
    return found | dict(_cut()) | dict(_flipped()) | dict(_replaced())


def bomb(levels: int, *, width: int = 9, below: str = "") -> str:
    """Return YAML of a few hundred bytes that unfolds to `width ** levels` items."""
    lines = [f"a0: &a0 [{', '.join(['x'] * width)}]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(below + line for line in lines) + "\n"


def _by_hand() -> dict[str, str | bytes]:
    return _no_documents() | _odd_encodings() | _odd_yaml() | _aliases() | _sizes() | _lists() | _odd_objects()


def _no_documents() -> dict[str, str | bytes]:
    return {
        "nothing": "",
        "blank lines": "\n\n \n",
        "a remark": "# later\n",
        "separators alone": "---\n---\n...\n---\n",
        "a word": "hello\n",
        "a number": "42",
        "null": "null",
        "a web page": "<!DOCTYPE html><html><body>404</body></html>",
        "an error of a proxy": "upstream connect error or disconnect/reset before headers",
        "TOML": '[metadata]\nname = "chat"\n',
        "a shell script": "#!/bin/sh\nkubectl get nodes\n",
        "a template that nobody filled in": "{{- if .Values.x }}\nkind: {{ .Values.kind }}\n{{- end }}\n",
        "the marks of a merge": f"<<<<<<< HEAD\n{YAML}=======\n{YAML}>>>>>>> other\n",
        "a patch": "--- a/chat.yaml\n+++ b/chat.yaml\n@@ -1 +1 @@\n-a\n+b\n",
        "CSV": "variant,kv_dtype\nE2B,bf16\n",
        "a table of kubectl": "NAME   READY\nchat   1/1\n",
    }


def _odd_encodings() -> dict[str, str | bytes]:
    return {
        "a program": b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)),
        "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        "zeros": b"\x00" * 64,
        "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
        "Latin-1": YAML.replace("chat", "ch\u00e4t").encode("latin-1"),
        "UTF-16": YAML.encode("utf-16"),
        "UTF-16 of the other order": YAML.encode("utf-16-be"),
        "UTF-32": YAML.encode("utf-32"),
        "half a character": YAML.encode() + b"\xe2\x82",
        "a lone surrogate": YAML.encode() + b"# \xed\xa0\x80",
        "a byte order mark": b"\xef\xbb\xbf" + YAML.encode(),
        "a byte order mark before JSON": b"\xef\xbb\xbf" + JSON.encode(),
        "a byte order mark inside": YAML.replace("kind", "\ufeffkind"),
        "line ends of Windows": YAML.replace("\n", "\r\n"),
        "line ends of old Macs": YAML.replace("\n", "\r"),
        "JSON with line ends of Windows": JSON.replace("\n", "\r\n"),
        "line ends of Unicode": YAML.replace("\n", "\u2028"),
        "blanks that do not break": YAML.replace("  ", "\u00a0\u00a0"),
        "quotes of a word processor": JSON.replace('"', "\u201c"),
        "control characters": YAML.replace("chat", "ch\x07at"),
        "colours": YAML.replace("chat", "\x1b[31mchat\x1b[0m"),
        "a right-to-left mark": YAML.replace("chat", "\u202echat"),
        "a zero in the middle": YAML.replace("chat", "ch\x00at"),
    }


def _odd_yaml() -> dict[str, str | bytes]:
    return {
        "tabs": YAML.replace("  ", "\t"),
        "a wrong indentation": YAML.replace("  name", " \n   name"),
        "a quote that never ends": _HEAD + 'metadata: {name: "chat}\n',
        "a bracket that never ends": _HEAD + "metadata: {name: [chat}\n",
        "a colon too many": _HEAD + "metadata: name: chat\n",
        "a key without a value": _HEAD + "metadata:\nspec:\n",
        "keys twice": _NAMED + "spec: {replicas: 0}\nspec: {replicas: 1}\nkind: Gemma4Deployment\n",
        "keys twice in JSON": '{"kind": "Node", ' + JSON.lstrip("{"),
        "keys that are numbers": _NAMED + "spec: {1: 2, 3.5: x}\n",
        "keys that are true": _NAMED + "spec: {true: 2, null: x, yes: no}\n",
        "keys that are lists": _NAMED + "spec:\n  ? [a, b]\n  : c\n",
        "keys that are objects": _NAMED + "spec:\n  ? {a: b}\n  : c\n",
        "keys that are dates": _NAMED + "spec: {2026-01-01: x}\n",
        "dates": _NAMED + "spec: {replicas: 2026-01-01, model: 2026-01-01T00:00:00Z}\n",
        "a date that no calendar has": _NAMED + "spec: {replicas: 2026-13-45}\n",
        "numbers of another base": _NAMED + "spec: {replicas: 0o17, endpoint: {port: 0x1F40}}\n",
        "minutes and seconds": _NAMED + "spec: {replicas: 1:30:00}\n",
        "no numbers": _NAMED + "spec: {replicas: .nan, endpoint: {port: .inf}}\n",
        "no numbers of JSON": JSON.replace('"replicas": 0', '"replicas": NaN'),
        "infinity in JSON": JSON.replace('"replicas": 0', '"replicas": -Infinity'),
        "yes and no": _NAMED + "spec: {suspend: yes, model: {drafter: off}}\n",
        "a set": _NAMED + "spec: !!set {a, b}\n",
        "ordered pairs": _NAMED + "spec: !!omap [a: 1, b: 2]\n",
        "pairs": _NAMED + "spec: !!pairs [a: 1, a: 2]\n",
        "bytes": _NAMED + "spec: {model: !!binary aGVsbG8=}\n",
        "bytes that are none": _NAMED + "spec: !!binary '!'\n",
        "a name in bytes": _HEAD + "metadata: {name: !!binary Y2hhdA==}\n",
        "a Python object": _NAMED + "spec: !!python/object:os.system x\n",
        "a call of Python": _NAMED + "spec: !!python/object/apply:os.system [id]\n",
        "a Python name": "!!python/name:os.system\n",
        "a Python tuple": _NAMED + "spec: !!python/tuple [a]\n",
        "a tag of one's own": _NAMED + "spec: !mine {a: b}\n",
        "a tag of no one": "%TAG ! tag:example.com,2026:\n---\n!x y\n",
        "another version of YAML": "%YAML 9.9\n---\n" + YAML,
        "an unknown directive": "%NOPE\n---\n" + YAML,
        "a block without end": _HEAD + "metadata:\n  name: |\n    chat\n    more\n",
        "a folded text as the kind": YAML.replace("Gemma4Deployment", ">\n  Gemma4Deployment\n"),
        "JSON with remarks": JSON.replace("{", "{ // here\n", 1),
        "JSON with a comma too many": JSON.replace("}\n}", "},\n}"),
        "JSON in single quotes": str(CHAT),
        "JSON and then words": JSON + "\nthat is all\n",
        "JSON and then half of it": JSON + "\n" + JSON[:50],
        "escapes of no letter": JSON.replace("chat", "\\ud800"),
        "an escape that is none": JSON.replace("chat", "\\q"),
        "YAML and then JSON": YAML + "---\n" + JSON + "\n",
        "a reserved character": "@kind: x\n",
        "a question": "? [\n",
    }


def _aliases() -> dict[str, str | bytes]:
    deep = _NAMED + "spec:\n  podTemplatePatch:\n    spec:\n"
    return {
        "an alias of nothing": _NAMED + "spec: *nothing\n",
        "an anchor alone": "&a\n",
        "an object that holds itself": "&a {apiVersion: gemma4.dev/v1alpha1, kind: Gemma4Deployment, spec: *a}\n",
        "a list that holds itself": "&a [*a]\n",
        "a spec that holds itself": _NAMED + "spec: &a {podTemplatePatch: {spec: *a}}\n",
        "a label that is its own object": _HEAD + "metadata: &a {name: chat, labels: *a}\n",
        "a merge": f"base: &a {{kind: Gemma4Deployment}}\n<<: *a\n{_NAMED}",
        "a merge of a number": "<<: 1\n" + _NAMED,
        "a merge of itself": "a: &a {<<: *a}\n" + _NAMED,
        "a bomb": bomb(9),
        "a bomb in a list": "[&a [x, x], &b [*a, *a], &c [*b, *b], [*c, *c]]\n",
        "a bomb of lists": "- &a0 [{}, {}]\n"
        + "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)),
        "a bomb in a patch": deep + bomb(9, below="      "),
        "a bomb in the labels": _HEAD + "metadata:\n  name: chat\n  labels:\n" + bomb(9, below="    ") + "spec: {}\n",
        "a bomb in the status": _NAMED + "spec: {}\nstatus:\n" + bomb(9, below="  "),
        "a bomb as a value": bomb(9) + _NAMED + "spec: {replicas: *a8}\n",
        "a bomb as the name": bomb(9) + _HEAD + "metadata: {name: *a8}\nspec: {}\n",
        "a bomb as the kind": bomb(9) + "kind: *a8\n",
        "a bomb of maps": "a0: &a0 {x: y}\n"
        + "".join(f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(9))}}}\n" for n in range(1, 10)),
    }


def _sizes() -> dict[str, str | bytes]:
    return {
        "no end of lists": "[" * 100_000,
        "no end of objects": '{"a":' * 100_000,
        "no end of YAML": "".join("  " * level + "a:\n" for level in range(2_000)),
        "two thousand levels that end": _NAMED + "spec: " + '{"a": ' * 2_000 + "1" + "}" * 2_000 + "\n",
        "five hundred levels in a patch": json.dumps(
            CHAT | {"spec": {"podTemplatePatch": {"spec": json.loads('{"a":' * 300 + "1" + "}" * 300)}}}
        ),
        "a number of ten thousand digits": YAML.replace("replicas: 0", "replicas: " + "9" * 10_000),
        "a number of ten thousand digits in JSON": JSON.replace('"replicas": 0', '"replicas": ' + "9" * 10_000),
        "an exponent without end": JSON.replace('"replicas": 0', '"replicas": 1e999999'),
        "a name of a megabyte": YAML.replace("chat", "x" * 2**20),
        "a kind of a megabyte": YAML.replace("Gemma4Deployment", "x" * 2**20),
        "a field of a thousand letters": _NAMED + "spec: {" + "x" * 1000 + ": 1}\n",
        "ten thousand fields": _NAMED + "spec:\n" + "".join(f"  f{n}: 1\n" for n in range(10_000)),
        "ten thousand documents": "---\nkind: ConfigMap\n" * 10_000,
        "a megabyte in one line": "x" * 2**20,
    }


def _lists() -> dict[str, str | bytes]:
    return {
        "a list at the top": f"- {json.dumps(CHAT)}\n- 1\n",
        "a List": json.dumps({"apiVersion": "v1", "kind": "List", "items": [CHAT, CHAT]}),
        "a List of others": json.dumps({"apiVersion": "v1", "kind": "List", "items": [None, 1, "x", [CHAT]]}),
        "a List without items": "apiVersion: v1\nkind: List\n",
        "a List whose items are an object": "kind: List\nitems: {a: b}\n",
        "a List in a List": json.dumps({"kind": "List", "items": [{"kind": "List", "items": [CHAT, {}]}]}),
        "several documents": f"{YAML}---\n{YAML}---\nkind: Pod\n---\n",
        "several, one of them broken": f"{YAML}---\nkind: [\n---\n{YAML}",
        "a document that ends too early": f"{YAML}...\nkind: [\n",
        "an event of a watch": json.dumps({"type": "ADDED", "object": CHAT}),
        "a Status": json.dumps({"kind": "Status", "status": "Failure", "message": "not found", "code": 404}),
        "a Table": json.dumps({"kind": "Table", "columnDefinitions": [], "rows": [{"object": CHAT}]}),
    }


def _odd_objects() -> dict[str, str | bytes]:
    changes: dict[str, dict[str, Any]] = {
        "a wrong kind": {"kind": "Gemma4Deploymnet"},
        "a kind in lower case": {"kind": "gemma4deployment"},
        "another group": {"apiVersion": "example.com/v1alpha1"},
        "another version": {"apiVersion": "gemma4.dev/v9"},
        "a version without a group": {"apiVersion": "v1"},
        "nodes": {"kind": "Node", "spec": {"taints": [None, 1, "x"]}},
        "nodes without names": {"kind": "Node", "metadata": {}},
        "nodes of odd quantities": {"kind": "Node", "status": {"allocatable": {"nvidia.com/gpu": "-1", "memory": []}}},
        "pods without containers": {"kind": "Pod", "spec": {"containers": None}},
        "pods of odd containers": {"kind": "Pod", "spec": {"containers": [1, {"resources": "x"}]}},
        "pods of odd statuses": {"kind": "Pod", "status": {"conditions": "x", "containerStatuses": [None, 1]}},
        "events": {"kind": "Event", "reason": "Failed", "involvedObject": "x", "message": 1},
        "events of no time": {"kind": "Event", "reason": "Failed", "lastTimestamp": "soon", "series": []},
        "a status of nonsense": {"status": {"plan": {"hash": 1, "memory": "x"}, "conditions": [1]}},
    }
    return {name: json.dumps(CHAT | change) for name, change in changes.items()}


def _cut() -> Iterator[tuple[str, bytes]]:
    for what, text in (("YAML", YAML), ("JSON", JSON)):
        for twentieth in range(1, 20):
            yield f"{what} that ends after {twentieth} of 20 parts", text[: len(text) * twentieth // 20].encode()


def _flipped() -> Iterator[tuple[str, bytes]]:
    for number in range(40):
        chance = Random(f"{SEED}/{number}")
        damaged = bytearray((YAML, JSON)[number % 2].encode())
        for _ in range(chance.choice((1, 2, 8))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        yield f"bytes changed, number {number}", bytes(damaged)


def _replaced() -> Iterator[tuple[str, bytes]]:
    for number, value in enumerate(EVERYTHING):
        field = ("apiVersion", "kind", "metadata", "spec", "status")[number % 5]
        yield f"{field} replaced, number {number}", json.dumps(CHAT | {field: value}).encode()
    for number, value in enumerate(EVERYTHING):
        yield f"the name replaced, number {number}", json.dumps(CHAT | {"metadata": {"name": value}}).encode()
