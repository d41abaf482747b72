"""The real Ollama, started as the operator renders it: the step that brings the model, and the server after it."""

import contextlib
import http.client
import json
import queue
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gemma4_operator.engines import first_answer
from gemma4_operator.engines.base import ClaimWeights, EnginePod
from gemma4_operator.engines.ollama import Ollama
from tests.cluster import engines, ollama, ports
from tests.real.prompts import CALL, CAPITAL, CAPITAL_ANSWER, WEATHER
from tests.real.served import Machine, Server, execute, serving
from tests.rendering import a_serving

pytestmark = pytest.mark.engine

Start = Callable[..., AbstractContextManager[Server]]

CONTEXT_TOKENS = 2048
PARALLEL = 2
MODEL = "team/gemma-small"
BRING_SECONDS = HANGING_SECONDS = 600.0
"""More than anything takes, however slow the machine."""
LONG = "".join(f"{number} " for number in range(20))
_NUMBERS = {"type": "array", "items": {"type": "integer"}, "minItems": 1000}
ENDLESS: dict[str, Any] = {
    "max_tokens": 1900,
    "response_format": {"type": "json_schema", "json_schema": {"name": "numbers", "schema": _NUMBERS}},
}
"""An answer that goes on until its tokens are used up: Ollama has no `ignore_eos`, and the model may stop anywhere."""


def pod(**changes: Any) -> EnginePod:
    fields = {
        "quantization": "Q4_K_M",
        "weights": ClaimWeights(claim_name="weights", path=engines.WEIGHTS_FILE),
        "context_tokens": CONTEXT_TOKENS,
        "max_concurrent_requests": PARALLEL,
        "served_model_name": MODEL,
    }
    wanted = a_serving(**{**fields, **changes})
    assert Ollama().refuses(wanted) is None
    return Ollama().pod(wanted)


def bring(root: Path, weights: Path, **changes: Any) -> tuple[int, str]:
    """Runs the init container, as often as wanted for one root: the volumes stay."""
    (container,) = pod(**changes).init_containers
    (reserved,) = ports.reserve(1)
    # In a pod this port is the container's own; on this machine it may be another's.
    instead = {"127.0.0.1:11434": f"127.0.0.1:{reserved.port}"}
    try:
        return Machine(root, {"ollama": ollama.ollama()}, weights, instead=instead).run(
            container, seconds=BRING_SECONDS
        )
    finally:
        reserved.release()


def a_claim(folder: Path, content: bytes | None) -> Path:
    """A folder with this in place of the weights, or with nothing."""
    claim = folder / "weights"
    claim.mkdir()
    if content is not None:
        (claim / engines.WEIGHTS_FILE).write_bytes(content)
    return claim


def loaded(server: Server) -> list[dict[str, Any]]:
    return server.get("/api/ps").json["models"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pod's volumes, with the model brought."""
    folder = tmp_path_factory.mktemp("ollama")
    code, said = bring(folder, engines.weights().parent)
    assert code == 0, said
    return folder


@pytest.fixture(scope="module")
def start(root: Path) -> Start:
    """A function that runs the server which is rendered for a Serving with these changes."""
    machine = Machine(root, {"ollama": ollama.ollama()}, engines.weights().parent)

    @contextlib.contextmanager
    def run(**changes: Any) -> Iterator[Server]:
        (reserved,) = ports.reserve(1)
        try:
            with serving(machine, pod(port=reserved.port, **changes).container, model=MODEL) as server:
                yield server
        finally:
            reserved.release()

    return run


@pytest.fixture(scope="module")
def server(start: Start) -> Iterator[Server]:
    """The server that most tests share; it has the model loaded."""
    with start() as running:
        assert running.chat(CAPITAL, max_tokens=1).status == 200
        yield running


class TestBringing:
    def test_a_second_time_changes_nothing(self, root: Path) -> None:
        blobs = root / "cache" / "blobs"
        before = {blob.name: blob.stat().st_mtime_ns for blob in blobs.iterdir()}
        code, said = bring(root, engines.weights().parent)
        assert code == 0, said
        assert "using existing layer" in said
        assert {blob.name: blob.stat().st_mtime_ns for blob in blobs.iterdir()} == before

    def test_a_file_that_is_no_model_fails_with_a_message(self, tmp_path: Path) -> None:
        code, said = bring(tmp_path / "pod", a_claim(tmp_path, b"<html>404</html>" * 100))
        assert code != 0
        assert "Error: supplied file was not in GGUF format" in said

    def test_half_a_file_fails_with_a_message(self, tmp_path: Path) -> None:
        with engines.weights().open("rb") as whole:
            half = whole.read(100_000_000)
        code, said = bring(tmp_path / "pod", a_claim(tmp_path, half))
        assert code != 0
        assert re.search(r"Error: .* exceeds file size", said)

    def test_a_missing_file_fails_with_a_message(self, tmp_path: Path) -> None:
        code, said = bring(tmp_path / "pod", a_claim(tmp_path, None))
        assert code != 0
        assert "spec.model.checkpoint.claim.path must name a file of the claim, and there is no " in said


class TestProbes:
    def test_the_rendered_paths_answer(self, server: Server) -> None:
        container = pod().container
        probes = (container.readiness_probe, container.liveness_probe)
        assert [server.get(probe.path).status for probe in probes if probe] == [200, 200]

    def test_a_server_counts_as_started_only_with_its_model_loaded(self, root: Path, start: Start) -> None:
        """Its health route says that all is well before."""
        with start() as fresh:
            assert [model["name"] for model in loaded(fresh)] == [f"{MODEL}:latest"]

    def test_the_question_fails_where_nobody_answers_and_where_the_model_is_not(
        self, root: Path, server: Server
    ) -> None:
        machine = Machine(root, {"ollama": ollama.ollama()}, engines.weights().parent)
        container = pod(port=server.port).container
        (free,) = ports.reserve(1)
        for port, model in ((free.port, MODEL), (server.port, "nobody")):
            asked = execute(machine, container, first_answer.of_ollama(port=port, model=model), seconds=300)
            assert asked.returncode != 0
        free.release()
        asked = execute(machine, container, first_answer.of_ollama(port=server.port, model=MODEL), seconds=600)
        assert asked.returncode == 0


class TestVariables:
    def test_the_model_is_listed_under_its_served_name_and_a_tag(self, server: Server) -> None:
        assert [model["id"] for model in server.get("/v1/models").json["data"]] == [f"{MODEL}:latest"]

    def test_each_request_has_the_whole_context_and_the_model_stays(self, server: Server) -> None:
        (model,) = loaded(server)
        assert model["context_length"] == CONTEXT_TOKENS
        year = int(model["expires_at"][:4])
        assert year > datetime.now(UTC).year + 100
        assert f"Parallel:{PARALLEL} " in server.running.log.read_text()
        assert f"KvSize:{CONTEXT_TOKENS * PARALLEL} " in server.running.log.read_text()

    def test_a_quantized_cache_is_one_and_a_longer_prompt_is_cut_without_a_word(self, start: Start) -> None:
        with start(kv_dtype="q8_0", context_tokens=128) as small:
            answer = small.chat(LONG, max_tokens=1)
            (model,) = loaded(small)
            log = small.running.log.read_text()
        assert model["context_length"] == 128
        assert "FlashAttention:Enabled" in log
        assert "KvCacheType:q8_0" in log
        assert answer.status == 200
        assert answer.json["usage"]["prompt_tokens"] <= 128


class TestChat:
    def test_an_answer(self, server: Server) -> None:
        answer = server.chat(CAPITAL, max_tokens=4, temperature=0)
        assert CAPITAL_ANSWER in answer.message["content"]
        assert answer.json["model"] == MODEL

    def test_a_stream_is_chunks_and_an_end(self, server: Server) -> None:
        options = {"max_tokens": 6, "stream_options": {"include_usage": True}}
        with server.stream(CAPITAL, temperature=0, **options) as events:
            *chunks, last = events
        assert last == "[DONE]"
        parsed = [json.loads(chunk) for chunk in chunks]
        texts = [choice["delta"].get("content") or "" for chunk in parsed for choice in chunk["choices"]]
        assert CAPITAL_ANSWER in "".join(texts)
        assert len([text for text in texts if text]) > 1
        assert parsed[-1]["usage"]["completion_tokens"] == 6

    def test_tools_are_refused_of_a_model_whose_template_knows_none(self, server: Server) -> None:
        answer = server.chat(CALL, tools=[WEATHER], tool_choice="auto", max_tokens=4)
        assert answer.status == 400
        assert "does not support tools" in answer.json["error"]["message"]


class TestLoad:
    def test_there_are_no_metrics(self, server: Server) -> None:
        assert server.get("/metrics").status == 404

    def test_what_can_be_measured_stands_in_each_answer(self, server: Server) -> None:
        usage = server.chat("Say hello.", max_tokens=2).json["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        body = {"model": MODEL, "prompt": "Say hello.", "stream": False, "options": {"num_predict": 2}}
        own = server.post("/api/generate", body).json
        assert own["eval_count"] == 2
        assert own["total_duration"] >= own["prompt_eval_duration"] + own["eval_duration"] > 0

    def test_as_many_requests_run_at_once_as_rendered_and_the_next_waits(self, server: Server) -> None:
        enough = threading.Event()
        begun: queue.SimpleQueue[str] = queue.SimpleQueue()

        def talk(number: int) -> None:
            with server.stream(f"{number} {LONG}", **ENDLESS) as events:
                begun.put(next(events))
                enough.wait(HANGING_SECONDS)

        with ThreadPoolExecutor(PARALLEL + 1) as pool:
            talks = [pool.submit(talk, number) for number in range(PARALLEL + 1)]
            try:
                for _ in range(PARALLEL):
                    begun.get(timeout=HANGING_SECONDS)
                with pytest.raises(queue.Empty):
                    begun.get(timeout=4)
            finally:
                enough.set()
            begun.get(timeout=HANGING_SECONDS)
            assert [talk.result() for talk in talks] == [None] * (PARALLEL + 1)


class TestEnd:
    """What happens at the signal is why the pause before it, ``drain_seconds``, is all the time that requests have."""

    def test_an_idle_server_ends_at_once(self, start: Start) -> None:
        with start() as server:
            server.running.identity.signal(signal.SIGTERM)
            assert server.running.identity.wait(HANGING_SECONDS)
            assert server.running.exit_code() == 0

    def test_what_runs_at_the_signal_is_cut_off_and_the_server_ends_at_once(self, start: Start) -> None:
        with start() as server, ThreadPoolExecutor(1) as pool:
            whole = pool.submit(server.chat, LONG, **ENDLESS)
            with server.stream(LONG, **ENDLESS) as events:
                assert [json.loads(next(events))["object"] for _ in range(2)] == ["chat.completion.chunk"] * 2
                assert not whole.done()
                server.running.identity.signal(signal.SIGTERM)
                assert "[DONE]" not in list(events)
            with pytest.raises((OSError, http.client.HTTPException)):
                whole.result()
            assert server.running.identity.wait(HANGING_SECONDS)
            assert server.running.exit_code() == 0
