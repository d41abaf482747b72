"""The real vLLM, started as the operator renders it, on a tiny Gemma 4 with text, images and tools.

It is version 0.32 on a CPU, and none of the rendered words is left out. Two are added as a user would:
``--enforce-eager``, for there is nothing to compile for, and ``--enable-scale-out``, by which a test may hand in the
tokens of an answer. For the model says letters of chance: which request is taken and what comes back in which form is
proven here, and not that it calls tools or thinks.
"""

import base64
import contextlib
import dataclasses
import json
import signal
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from gemma4_operator.api.common import Variant
from gemma4_operator.engines import dialects, first_answer
from gemma4_operator.engines.base import Adapter, ClaimWeights, EnginePod, ExecProbe, SecretSource
from gemma4_operator.engines.vllm import VLLM
from gemma4_operator.planner import kv_vllm
from gemma4_operator.planner.shape import KvDtype
from gemma4_operator.scaling.read import counts
from gemma4_operator.scaling.sample import Counts
from tests.cluster import ports, vllm
from tests.cluster.waiting import wait_for
from tests.real.served import Answer, Machine, Server, execute, healthy, short_folder
from tests.rendering import CATALOG, a_serving

pytestmark = pytest.mark.engine

CONTEXT_TOKENS = 2048
BATCHED_TOKENS = 512
SEQUENCES = 3
CACHE_BYTES = 200_000_000
MODEL = "assistant"
KEY = "for-this-test-only"
SECRET = SecretSource(name="chat", key="api-key")
ADAPTER = Adapter(name="stubborn", claim_name="weights", path="adapter", rank=8)
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
SHORT: dict[str, Any] = {"max_tokens": 8, "temperature": 0}
LONG: dict[str, Any] = {"max_tokens": 400, "ignore_eos": True, "temperature": 0}
MOST_TOKENS = 1900
VLLMS_OWN_SECONDS = 5.0
"""For which vLLM keeps a connection that rests where nobody says otherwise (vllm/envs.py)."""
HANGING_SECONDS = 600.0
"""More than anything takes, however slow the machine."""


def pod(checkpoint: Path, port: int, *arguments: str) -> EnginePod:
    wanted = a_serving(
        variant="E2B",
        weights=ClaimWeights(claim_name="weights", path=checkpoint.name),
        weights_bytes=(checkpoint / "model.safetensors").stat().st_size,
        context_tokens=CONTEXT_TOKENS,
        max_batched_tokens=BATCHED_TOKENS,
        max_concurrent_requests=SEQUENCES,
        kv_cache_bytes=CACHE_BYTES,
        media=frozenset({"Image"}),
        served_model_name=MODEL,
        port=port,
        api_key=SECRET,
        adapters=(ADAPTER,),
        extra_args=("--enforce-eager", "--enable-scale-out", *arguments),
    )
    assert VLLM().refuses(wanted) is None
    return VLLM().pod(wanted)


@pytest.fixture(scope="module")
def checkpoint() -> Path:
    return vllm.checkpoint()


@pytest.fixture(scope="module")
def server(checkpoint: Path) -> Iterator[Server]:
    """The server that all tests share, since a start takes a minute; the last test ends it."""
    with started(checkpoint) as server:
        yield server


@contextlib.contextmanager
def started(checkpoint: Path, *arguments: str) -> Iterator[Server]:
    """Yields the server that is rendered with these arguments of a user, once it is healthy."""
    (port,) = ports.reserve(1)
    rendered = pod(checkpoint, port.port, *arguments)
    with short_folder() as folder:
        adapter = f"{ADAPTER.name}=/adapters/{ADAPTER.name}"
        machine = Machine(
            root=folder,
            programs={"vllm": vllm.command()},
            weights=checkpoint.parent,
            secrets={(SECRET.name, SECRET.key): KEY},
            instead={adapter: f"{ADAPTER.name}={checkpoint / ADAPTER.path}"},
        )
        try:
            with healthy(machine, rendered, model=MODEL, key=KEY) as server:
                yield server
        finally:
            port.release()


def metrics(server: Server) -> dict[str, Metric]:
    # The server's figures lag behind its answers by a step.
    answer = server.anonymous("/metrics")
    assert answer.status == 200
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(server: Server, name: str) -> float:
    family = metrics(server)[name.removesuffix("_total")]
    return sum(sample.value for sample in family.samples if sample.name == name)


def said_to_scalers(server: Server) -> Counts:
    found = counts(server.anonymous(dialects.VLLM.path).text.encode(), dialects.VLLM)
    assert found is not None
    return found


def at_rest(server: Server) -> Counts:
    """Return the figures once they no longer change: those of the answers before may still be on their way."""
    seen: list[Counts] = []

    def unchanged() -> bool:
        seen.append(said_to_scalers(server))
        return seen[-2:-1] == seen[-1:]

    wait_for(unchanged, 20, "the figures to be at rest", interval_seconds=0.3)
    return seen[-1]


def since(before: Counts, after: Counts, figure: str) -> float:
    return float(getattr(after, figure) - getattr(before, figure))


def cache_info(server: Server) -> dict[str, str]:
    (sample,) = metrics(server)["vllm:cache_config_info"].samples
    return sample.labels


def ask(server: Server, content: Any, **fields: Any) -> Answer:
    messages = [{"role": "user", "content": content}]
    return server.post("/v1/chat/completions", {"model": MODEL, "messages": messages, **SHORT, **fields})


def prompt_tokens(answer: Answer) -> int:
    assert answer.status == 200, answer.text
    return int(answer.json["usage"]["prompt_tokens"])


def said(answer: Answer) -> str:
    """All of an answer: what is thought and what is told."""
    return (answer.message.get("reasoning") or "") + (answer.message["content"] or "")


def read(server: Server, text: str, **fields: Any) -> Answer:
    """What the server makes of an answer of the model's own making, such as it would be in its own marks."""
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], **fields}
    tokens = server.post("/tokenize", {"model": MODEL, "prompt": text, "add_special_tokens": False}).json["tokens"]
    choice = {"index": 0, "token_ids": tokens, "finish_reason": "stop"}
    made = {"request_id": "made", "choices": [choice]}
    return server.post("/v1/chat/completions/derender", {"generate_response": made, "chat_request": asked})


def picture(side: int = 24) -> str:
    """A grey square as a PNG file in a data URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * side) * side)
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"


class TestProbes:
    def test_the_rendered_paths_answer_without_a_key(self, server: Server, checkpoint: Path) -> None:
        container = pod(checkpoint, server.port).container
        probes = (container.readiness_probe, container.liveness_probe)
        assert [server.anonymous(probe.path).status for probe in probes if probe] == [200, 200]

    def test_the_question_for_a_first_answer_is_answered(
        self, server: Server, checkpoint: Path, tmp_path: Path
    ) -> None:
        """It has the key of the container's own environment; without it, or where nobody listens, it fails."""
        container = pod(checkpoint, server.port).container
        assert isinstance(container.startup_probe, ExecProbe)
        at_rest(server)
        before = value(server, "vllm:generation_tokens_total")
        machine = Machine(tmp_path, {}, checkpoint.parent, secrets={(SECRET.name, SECRET.key): KEY})
        asked = execute(machine, container, container.startup_probe.command, seconds=600)
        assert (asked.returncode, asked.stderr) == (0, "")
        wait_for(lambda: value(server, "vllm:generation_tokens_total") == before + 1, 10, "one token to be counted")
        stranger = Machine(tmp_path, {}, checkpoint.parent, secrets={(SECRET.name, SECRET.key): "wrong"})
        asked = execute(stranger, container, container.startup_probe.command, seconds=600)
        assert asked.returncode != 0
        assert "no answer yet: HTTP Error 401" in asked.stderr
        nowhere = first_answer.of_vllm(port=1, model=MODEL)
        asked = execute(machine, container, nowhere, seconds=600)
        assert "no answer yet: " in asked.stderr
        assert "Traceback" not in asked.stderr


class TestKey:
    @pytest.mark.parametrize("path", ["/v1/models"])
    def test_without_the_key_a_request_is_refused(self, server: Server, path: str) -> None:
        assert server.anonymous(path).status == 401
        assert server.get(path, key="wrong").status == 401
        assert server.get(path).status == 200

    def test_nobody_chats_without_it(self, server: Server) -> None:
        assert dataclasses.replace(server, key=None).chat("Hello", **SHORT).status == 401


class TestEnvironment:
    def test_every_variable_is_known(self, server: Server) -> None:
        assert "Unknown vLLM environment variable" not in server.running.log.read_text()

    def test_a_connection_may_rest_for_longer_than_vllm_keeps_one_by_itself(self, server: Server) -> None:
        with server.connection() as connection:
            # Closed by the server, the second question would fail, and no new connection is opened for it.
            for seconds in (VLLMS_OWN_SECONDS + 1.0, 0.0):
                connection.request("GET", "/health")
                connection.auto_open = 0
                assert connection.getresponse().read() == b""
                time.sleep(seconds)

    def test_nothing_is_told_about_its_use(self, server: Server) -> None:
        assert not list(server.running.log.parent.rglob("usage_stats.json"))


class TestModels:
    def test_the_model_has_its_served_name_and_its_context(self, server: Server) -> None:
        first, *_ = server.get("/v1/models").json["data"]
        assert (first["id"], first["max_model_len"]) == (MODEL, CONTEXT_TOKENS)

    def test_an_adapter_is_a_model_of_its_own_and_answers_otherwise(self, server: Server) -> None:
        assert [model["id"] for model in server.get("/v1/models").json["data"]] == [MODEL, ADAPTER.name]
        adapted = ask(server, "Hello", model=ADAPTER.name)
        assert adapted.json["model"] == ADAPTER.name
        assert said(adapted) != said(ask(server, "Hello"))

    def test_a_stranger_is_not_found(self, server: Server) -> None:
        assert ask(server, "Hello", model="stranger").status == 404


class TestChat:
    def test_an_answer(self, server: Server) -> None:
        answer = server.chat("Hello", **SHORT)
        assert len(said(answer)) == answer.json["usage"]["completion_tokens"] == SHORT["max_tokens"]
        assert answer.json["model"] == MODEL

    def test_a_stream_is_chunks_and_an_end(self, server: Server) -> None:
        with server.stream("Hello", **SHORT, stream_options={"include_usage": True}) as events:
            *chunks, last = events
        assert last == "[DONE]"
        parsed = [json.loads(chunk) for chunk in chunks]
        deltas = [choice["delta"] for chunk in parsed for choice in chunk["choices"]]
        text = "".join((delta.get("reasoning") or "") + (delta.get("content") or "") for delta in deltas)
        assert text == said(server.chat("Hello", **SHORT))
        assert parsed[-1]["usage"]["completion_tokens"] == SHORT["max_tokens"]

    def test_a_longer_prompt_than_the_context_is_refused(self, server: Server) -> None:
        answer = server.chat("one " * CONTEXT_TOKENS, **SHORT)
        assert answer.status == 400
        assert "context" in answer.text


class TestTools:
    def test_the_model_may_call_or_not(self, server: Server) -> None:
        answer = server.chat("How is the weather?", tools=[WEATHER], tool_choice="auto", **SHORT)
        assert said(answer)
        assert not answer.message.get("tool_calls")
        assert prompt_tokens(answer) > prompt_tokens(server.chat("How is the weather?", **SHORT)) + 50

    def test_a_call_in_the_models_own_words_is_a_call_for_clients(self, server: Server) -> None:
        words = '<|tool_call>call:get_weather{city:<|"|>Oslo<|"|>}<tool_call|>'
        (call,) = read(server, words, tools=[WEATHER]).message["tool_calls"]
        assert call["function"]["name"] == "get_weather"
        assert json.loads(call["function"]["arguments"]) == {"city": "Oslo"}


class TestReasoning:
    def test_thoughts_are_told_apart_from_the_answer(self, server: Server) -> None:
        message = read(server, "<|channel>thought\nHm.<channel|>Hello!").message
        assert (message["reasoning"].strip(), message["content"]) == ("Hm.", "Hello!")

    def test_it_is_on_unless_a_request_says_otherwise(self, server: Server) -> None:
        off, on = (
            prompt_tokens(server.chat("Hello", **SHORT, chat_template_kwargs={"enable_thinking": thinks}))
            for thinks in (False, True)
        )
        assert prompt_tokens(server.chat("Hello", **SHORT)) == on
        # A turn of the system with the mark that asks for thoughts.
        assert on > off


class TestMedia:
    def test_an_image_is_read_as_tokens(self, server: Server) -> None:
        text = {"type": "text", "text": "What is it?"}
        seen = ask(server, [text, {"type": "image_url", "image_url": {"url": picture()}}])
        assert said(seen)
        # A square becomes 24 by 24 patches, of which each 3 by 3 are one token; and two marks are around it.
        assert prompt_tokens(seen) == prompt_tokens(ask(server, [text])) + 64 + 2

    @pytest.mark.parametrize("kind", ["video_url", "audio_url"])
    def test_what_nobody_asked_for_is_refused(self, server: Server, kind: str) -> None:
        answer = ask(server, [{"type": kind, kind: {"url": "data:application/octet-stream;base64,AAAA"}}])
        assert answer.status == 400
        assert "At most 0" in answer.text


class TestLoad:
    def test_every_figure_of_the_dialect_is_there(self, server: Server) -> None:
        server.chat("Hello", **SHORT)
        families = metrics(server)
        names = {sample.name for family in families.values() for sample in family.samples}
        told = dataclasses.asdict(dialects.VLLM)
        assert server.anonymous(told.pop("path")).status == 200
        histograms = (told.pop("first_token_seconds")[0], told.pop("output_token_seconds")[0])
        newest = {one if isinstance(one, str) else one[0] for one in told.values() if not isinstance(one, bool)}
        assert newest <= names
        assert {f"{name}_{part}" for name in histograms for part in ("sum", "count", "bucket")} <= names

    def test_tokens_are_counted(self, server: Server) -> None:
        at_rest(server)
        before = {name: value(server, name) for name in ("vllm:prompt_tokens_total", "vllm:generation_tokens_total")}
        usage = server.chat("Say hello.", **SHORT).json["usage"]

        def counted() -> bool:
            since = {name: value(server, name) - count for name, count in before.items()}
            return tuple(since.values()) == (usage["prompt_tokens"], usage["completion_tokens"])

        wait_for(counted, 10, f"tokens as in {usage} since {before}")

    def test_what_a_scaler_reads_is_what_clients_were_told(self, server: Server) -> None:
        """A prompt that comes twice is read once, and counted twice."""
        before = at_rest(server)
        prompt = f"{time.time()} " * 40
        usages = [server.chat(prompt, **SHORT).json["usage"] for _ in range(2)]

        def counted() -> bool:
            after = said_to_scalers(server)
            return (
                since(before, after, "finished") == 2
                and since(before, after, "prompt_tokens") == sum(usage["prompt_tokens"] for usage in usages)
                and since(before, after, "generation_tokens") == sum(usage["completion_tokens"] for usage in usages)
                and 0 < since(before, after, "cached_tokens") < usages[0]["prompt_tokens"]
                and (after.running, after.waiting) == (0, 0)
            )

        wait_for(counted, 10, lambda: f"{usages} since {before}; now {said_to_scalers(server)}")
        after = said_to_scalers(server)
        for old, new, times in (
            (before.first_token, after.first_token, 2),
            (before.output_token, after.output_token, 2 * (SHORT["max_tokens"] - 1)),
        ):
            assert old is not None
            assert new is not None
            assert new.count - old.count == times
            assert new.sum_seconds > old.sum_seconds

    def test_a_request_whose_client_went_away_is_never_finished(self, server: Server) -> None:
        """So arrivals cannot be told from what was finished alone."""
        before = at_rest(server)
        # As long as the context lets it be: it must run until somebody has seen that it does.
        with server.stream("Tell a story.", **LONG | {"max_tokens": MOST_TOKENS}) as events:
            next(events)
            wait_for(lambda: said_to_scalers(server).running == 1, 20, "the request to run")
        wait_for(lambda: said_to_scalers(server).running == 0, 20, "the request to be given up")
        server.chat("Hello", **SHORT)
        wait_for(lambda: since(before, said_to_scalers(server), "finished") == 1, 10, "the other to be counted")
        after = said_to_scalers(server)
        assert since(before, after, "finished") == 1
        assert since(before, after, "generation_tokens") < MOST_TOKENS

    def test_as_many_requests_run_at_once_as_the_plan_says_and_the_next_waits(self, server: Server) -> None:
        enough = threading.Event()

        def talk(number: int) -> str:
            with server.stream(f"Tell story {number}.", **LONG | {"max_tokens": MOST_TOKENS}) as events:
                first = next(events)
                enough.wait(HANGING_SECONDS)
                return first

        def busy() -> bool:
            running, waiting = (value(server, name) for name in (dialects.VLLM.running, dialects.VLLM.waiting))
            return (running, waiting) == (SEQUENCES, 1) and value(server, "vllm:kv_cache_usage_perc") > 0

        with ThreadPoolExecutor(SEQUENCES + 1) as pool:
            talks = [pool.submit(talk, number) for number in range(SEQUENCES + 1)]
            try:
                wait_for(busy, 30, f"{SEQUENCES} running and 1 waiting request")
            finally:
                enough.set()
            assert all(json.loads(done.result())["choices"] for done in talks)


class TestCache:
    """The planner's arithmetic beside the server's own answer for the same layers and bytes.

    Two things are other on a CPU than on a GPU: attention takes blocks of 128 tokens and not of 16, and batches are not
    scheduled ahead, so a request's sliding layers are set apart for one batch in flight. With both said, all is equal.
    """

    @pytest.fixture
    def layout(self, server: Server, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> kv_vllm.Layout:
        text = json.loads((checkpoint / "config.json").read_text())["text_config"]
        kinds = text["layer_types"]
        own = kinds[: -text["num_kv_shared_layers"]]
        full = text["per_layer_config"][f"{kinds.index('full_attention'):02}"]
        # Layouts are remembered by these numbers, which no variant has; so the patch stays in here.
        monkeypatch.setattr(kv_vllm, "BLOCK_TOKENS", int(cache_info(server)["block_size"]))
        model = CATALOG.models[Variant.E2B].model_copy(
            update={
                "sliding_kv_layers": own.count("sliding_attention"),
                "full_kv_layers": own.count("full_attention"),
                "sliding_kv_heads": text["num_key_value_heads"],
                "full_kv_heads": text["num_key_value_heads"],
                "sliding_head_dim": text["head_dim"],
                "full_head_dim": full["head_dim"],
                "window_tokens": text["sliding_window"],
            }
        )
        return kv_vllm.layout(model, KvDtype.BF16, 1)

    def test_the_blocks_are_equal(self, server: Server, layout: kv_vllm.Layout) -> None:
        assert cache_info(server)["kv_cache_memory_bytes"] == str(CACHE_BYTES)
        assert layout.num_blocks(CACHE_BYTES) == int(cache_info(server)["num_gpu_blocks"])

    def test_so_are_the_requests_that_it_holds(self, server: Server, layout: kv_vllm.Layout) -> None:
        needed = layout.request_blocks(CONTEXT_TOKENS, in_flight_tokens=BATCHED_TOKENS)
        told = float(cache_info(server)["kv_cache_max_concurrency"])
        assert layout.num_blocks(CACHE_BYTES) / needed == pytest.approx(told, rel=1e-6)


class TestEnd:
    """The last, because it ends the server that all share."""

    def test_a_request_that_runs_is_finished_and_then_the_server_ends(self, server: Server) -> None:
        with (
            server.connection() as resting,
            server.stream("Tell a story.", **LONG, stream_options={"include_usage": True}) as events,
        ):
            # One that rests must not keep the server from its end.
            resting.request("GET", "/health")
            assert resting.getresponse().read() == b""
            for _ in range(5):
                next(events)
            # After the seconds of the preStop hook, in which the server is not told anything.
            server.running.identity.signal(signal.SIGTERM)
            *rest, usage, last = events
        assert last == "[DONE]"
        assert json.loads(rest[-1])["choices"][0]["finish_reason"] == "length"
        # And not by the number of chunks: what comes faster than it is sent is sent together.
        assert json.loads(usage)["usage"]["completion_tokens"] == LONG["max_tokens"]
        assert server.running.identity.wait(HANGING_SECONDS), server.running.tail()
        assert server.running.exit_code() == 0
