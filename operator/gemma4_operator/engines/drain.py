"""How a pod that must go ends well: it serves until no proxy sends it more, and then until nothing is in work.

vLLM and NIM finish by themselves what they have begun (`--shutdown-timeout`). llama.cpp hangs at the signal as long as
something runs, and gives no answer any more, so it is told only when its own figures say that nothing does. Ollama
publishes none, so all that it can be given is time.
"""

_AWAIT_LLAMA_CPP = """\
sleep "$1"
command -v curl >/dev/null || { sleep "$2"; exit 0; }
end=$(($(date +%s) + $3))
while [ "$(date +%s)" -lt "$end" ]; do
  figures=$(curl -sf -m 5 ${LLAMA_API_KEY:+-H "Authorization: Bearer $LLAMA_API_KEY"} "http://127.0.0.1:$4/metrics")
  case $? in
    0) ;;
    7) exit 0 ;;
    22) sleep "$2"; exit 0 ;;
    *) sleep 1; continue ;;
  esac
  work=$(printf '%s\\n' "$figures" | grep -E '^llamacpp:requests_(processing|deferred) ')
  [ -n "$work" ] || { sleep "$2"; exit 0; }
  printf '%s\\n' "$work" | grep -qv ' 0$' || exit 0
  sleep 1
done
"""
"""Without curl the pause is a fixed one, and so it is where figures are refused (22) or do not say what is in work. A
server that is gone (7) needs none, and one that is slow to answer is at work."""


def of_llama_cpp(*, pause_seconds: int, blind_seconds: int, finish_seconds: int, port: int) -> tuple[str, ...]:
    """Return the command that waits until llama.cpp has nothing in work.

    Args:
        pause_seconds: Until every proxy has heard that the pod leaves.
        blind_seconds: How long after that, where nothing can be asked.
        finish_seconds: The longest after it.
        port: The server's.
    """
    words = map(str, (pause_seconds, blind_seconds, finish_seconds, port))
    return ("/bin/sh", "-c", _AWAIT_LLAMA_CPP, "drain", *words)
