"""Engines without models: they count as vLLM does under traffic that a test plays, each at the address of its pod."""

import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 8000
INPUT_TOKENS, OUTPUT_TOKENS = 500, 100
CACHE_BLOCKS = 20_000
_BOUNDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0)


class ScriptedEngine:
    """One engine, which takes so many requests in a second and lets the rest wait."""

    def __init__(self, address: str, *, carries: float, token_seconds: float) -> None:
        self._carries = carries
        self._token_seconds = token_seconds
        self._arriving = 0.0
        self._waiting = self._finished = self._late = 0.0
        self._at = time.monotonic()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((address, PORT), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def arrive(self, per_second: float) -> None:
        """Have so many requests come from now on."""
        with self._lock:
            self._advance()
            self._arriving = per_second

    def close(self) -> None:
        """Be gone."""
        self._server.shutdown()
        self._server.server_close()

    def _advance(self) -> None:
        now = time.monotonic()
        seconds, self._at = now - self._at, now
        waited = self._waiting > 1
        done = min(self._carries * seconds, self._waiting + self._arriving * seconds)
        self._waiting += self._arriving * seconds - done
        self._finished += done
        self._late += done if waited else 0.0

    def _exposition(self) -> str:
        with self._lock:
            self._advance()
            running = min(self._arriving, self._carries) * OUTPUT_TOKENS * self._token_seconds
            figures = {
                "vllm:num_requests_running": running,
                "vllm:num_requests_waiting": self._waiting,
                "vllm:prompt_tokens_total": self._finished * INPUT_TOKENS,
                "vllm:generation_tokens_total": self._finished * OUTPUT_TOKENS,
                "vllm:prompt_tokens_cached_total": 0.0,
                "vllm:request_success_total": self._finished,
            }
            first = _histogram("vllm:time_to_first_token_seconds", self._finished - self._late, 0.3, self._late, 8.0)
            each = _histogram(
                "vllm:inter_token_latency_seconds", self._finished * OUTPUT_TOKENS, self._token_seconds, 0.0, 0.0
            )
        lines = [f'{name}{{model_name="gemma-4"}} {value}' for name, value in figures.items()]
        lines.append(f'vllm:cache_config_info{{block_size="16",num_gpu_blocks="{CACHE_BLOCKS}"}} 1.0')
        return "\n".join((*lines, *first, *each, ""))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = engine._exposition().encode()
                self.send_response(200 if self.path == "/metrics" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _histogram(name: str, count: float, seconds: float, more: float, more_seconds: float) -> Iterable[str]:
    for bound in (*_BOUNDS, float("inf")):
        up_to = (count if seconds <= bound else 0.0) + (more if more_seconds <= bound else 0.0)
        yield f'{name}_bucket{{le="{"+Inf" if bound == float("inf") else bound}"}} {up_to}'
    yield f"{name}_sum {count * seconds + more * more_seconds}"
    yield f"{name}_count {count + more}"


class Traffic:
    """Spreads requests evenly over the pods that serve, as a Service does, and has an engine answer for each.

    Args:
        addresses: Those of the pods that serve now.
        carries: Requests per second that one engine takes.
        token_seconds: What each token takes.
    """

    def __init__(self, addresses: Callable[[], Iterable[str]], *, carries: float, token_seconds: float) -> None:
        self._addresses = addresses
        self._carries = carries
        self._token_seconds = token_seconds
        self._engines: dict[str, ScriptedEngine] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self.requests_per_second = 0.0
        self.deaf = False

    def __enter__(self) -> "Traffic":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, and all engines with it."""
        self._ended.set()
        self._thread.join(10)
        for engine in self._engines.values():
            engine.close()

    def _play(self) -> None:
        while not self._ended.wait(0.3):
            there = set() if self.deaf else set(self._addresses())
            for gone in self._engines.keys() - there:
                self._engines.pop(gone).close()
            for new in there - self._engines.keys():
                self._engines[new] = ScriptedEngine(new, carries=self._carries, token_seconds=self._token_seconds)
            for engine in self._engines.values():
                engine.arrive(self.requests_per_second / len(self._engines))
