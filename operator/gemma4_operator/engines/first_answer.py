"""The proof that an engine answers: a pod counts as serving only after it has given the first token of an answer.

A health route says that a server listens. The scripts here ask it for one token, in the container itself and with what
its image has: Python for vLLM, a shell for Ollama, whose route says that all is well before a model is loaded. They
are constant; what differs comes in as words of their own, so that nothing of a user is ever read as code. llama.cpp
needs none: it answers its health route only after a first run of its own (`--warmup`). Nor does NIM, whose route
promises as much.
"""

VLLM_SECONDS = 60
"""What a first answer may take: kernels are compiled for it."""

_ASK_VLLM = """\
import json, os, sys, urllib.request
port, model = sys.argv[1:]
body = json.dumps({"model": model, "prompt": "Hi", "max_tokens": 1}).encode()
request = urllib.request.Request("http://127.0.0.1:" + port + "/v1/completions", body)
request.add_header("Content-Type", "application/json")
if key := os.environ.get("VLLM_API_KEY"):
    request.add_header("Authorization", "Bearer " + key)
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()
except OSError as error:
    sys.exit("no answer yet: " + str(error))
"""

_ASK_OLLAMA = """\
command -v bash >/dev/null || exit 0
exec bash -c '
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
body="{\\"model\\": \\"$2\\", \\"prompt\\": \\"Hi\\", \\"stream\\": false, \\"options\\": {\\"num_predict\\": 1}}"
printf "POST /api/generate HTTP/1.0\\r\\nContent-Type: application/json\\r\\n" >&3
printf "Content-Length: %d\\r\\n\\r\\n%s" "${#body}" "$body" >&3
read -r _ status _ <&3
[ "$status" = 200 ] || { echo "no answer yet: status ${status:-none}"; exit 1; }
' first-answer "$1" "$2"
"""
"""An image without bash is taken at its word, as its health route is."""


def of_vllm(*, port: int, model: str) -> tuple[str, ...]:
    """Return the command that asks vLLM."""
    return ("python3", "-c", _ASK_VLLM, str(port), model)


def of_ollama(*, port: int, model: str) -> tuple[str, ...]:
    """Return the command that asks Ollama, by which it loads the model; it gives up loading when nobody waits."""
    return ("/bin/sh", "-c", _ASK_OLLAMA, "first-answer", str(port), model)
