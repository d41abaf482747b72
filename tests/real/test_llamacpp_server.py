"""The real llama-server, started as the operator renders it: each flag is taken, and does what it is rendered for."""

import contextlib
import dataclasses
import http.client
import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gemma4_operator.engines import dialects, drain
from gemma4_operator.engines.arguments import clash
from gemma4_operator.engines.base import ClaimWeights, EnginePod, SecretSource
from gemma4_operator.engines.llamacpp import LlamaCpp
from gemma4_operator.scaling.read import counts
from tests.cluster import engines, ports
from tests.cluster.waiting import wait_for
from tests.real.gguf import with_chat_template
from tests.real.prompts import CALL, CALL_CITY, CAPITAL, CAPITAL_ANSWER, LIKE_GEMMA_4, THINK, WEATHER
from tests.real.served import Machine, Server, execute, serving
from tests.rendering import a_serving

pytestmark = pytest.mark.engine

Start = Callable[..., AbstractContextManager[Server]]

CONTEXT_TOKENS = 2048
SLOTS = 2
MODEL = "gemma-small"
FILE = "gemma.gguf"
KEY = "for-this-test-only"
# More than anything takes, however slow the machine: what is not over by then never is.
HANGING_SECONDS = 600
LLAMA_CPPS_OWN_SECONDS = 5
"""For which it keeps a connection that rests, whatever it is told (vendor/cpp-httplib/httplib.h)."""
SECRET = SecretSource(name="chat", key="api-key")
# The small model would often stop early; so its answers are as long as a test needs them.
LONG = {"max_tokens": 1900, "ignore_eos": True}


def pod(**changes: Any) -> EnginePod:
    fields = {
        "quantization": "Q4_K_M",
        "weights": ClaimWeights(claim_name="weights", path=FILE),
        "context_tokens": CONTEXT_TOKENS,
        "max_concurrent_requests": SLOTS,
        "max_batched_tokens": 512,
        "host_cache_mib": 64,
        "served_model_name": MODEL,
    }
    wanted = a_serving(**{**fields, **changes})
    assert LlamaCpp().refuses(wanted) is None
    return LlamaCpp().pod(wanted)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """A function that runs the server which is rendered for a Serving with these changes."""
    weights = tmp_path_factory.mktemp("weights")
    with_chat_template(engines.weights(), weights / FILE, LIKE_GEMMA_4)
    programs = {"/app/llama-server": engines.llama_server()}

    @contextlib.contextmanager
    def run(**changes: Any) -> Iterator[Server]:
        secrets = {(SECRET.name, SECRET.key): KEY}
        machine = Machine(tmp_path_factory.mktemp("llama-server"), programs, weights, secrets=secrets)
        (reserved,) = ports.reserve(1)
        key = KEY if changes.get("api_key") else None
        try:
            with serving(machine, pod(port=reserved.port, **changes).container, model=MODEL, key=key) as server:
                yield server
        finally:
            reserved.release()

    return run


@pytest.fixture(scope="module")
def server(start: Start) -> Iterator[Server]:
    """The server that most tests share; it asks for a key."""
    with start(api_key=SECRET) as running:
        yield running


@pytest.fixture(scope="module")
def other(start: Start) -> Iterator[Server]:
    """The server with the other choice wherever there is one: no key, no tools, no reasoning, a quantized cache."""
    with start(tool_calling=False, reasoning=False, kv_dtype="q8_0", host_cache_mib=0) as running:
        yield running


def metrics(server: Server) -> dict[str, float]:
    answer = server.get("/metrics")
    assert answer.status == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {sample.name: sample.value for family in families for sample in family.samples}


def refuses(server: Server) -> bool:
    """Whether nobody listens any more."""
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        pass
    return False


def said_to_scalers(server: Server) -> Any:
    return counts(server.get(dialects.LLAMA_CPP.path).text.encode(), dialects.LLAMA_CPP)


class TestProbes:
    def test_every_rendered_path_answers_without_a_key(self, server: Server) -> None:
        container = pod().container
        probes = (container.startup_probe, container.readiness_probe, container.liveness_probe)
        assert [server.anonymous(probe.path).status for probe in probes if probe] == [200, 200, 200]


class TestFlags:
    def test_the_model_is_listed_under_its_served_name(self, server: Server) -> None:
        assert [model["id"] for model in server.get("/v1/models").json["data"]] == [MODEL]

    def test_each_slot_has_the_whole_context(self, server: Server) -> None:
        assert [slot["n_ctx"] for slot in server.get("/slots").json] == [CONTEXT_TOKENS] * SLOTS
        assert server.get("/props").json["total_slots"] == SLOTS

    def test_so_has_each_with_a_quantized_cache(self, other: Server) -> None:
        assert [slot["n_ctx"] for slot in other.get("/slots").json] == [CONTEXT_TOKENS] * SLOTS

    def test_a_longer_prompt_than_the_context_is_refused(self, server: Server) -> None:
        answer = server.chat("one " * (CONTEXT_TOKENS + 100), max_tokens=1)
        assert answer.status == 400
        assert answer.json["error"]["type"] == "exceed_context_size_error"


class TestManaged:
    """What may not be said a second time may not be said by another name of it either."""

    def test_a_flag_is_refused_by_all_its_names_or_by_none(self) -> None:
        told = subprocess.run([engines.llama_server(), "--help"], check=True, capture_output=True, text=True).stdout
        names = [re.findall(r"--?[\w-]+", line) for line in re.findall(r"^(?:--?[\w-]+,? *)+", told, re.MULTILINE)]
        assert ["-ngl", "--gpu-layers", "--n-gpu-layers"] in names
        assert [flag for flag in names if 0 < len(refused(flag)) < len(flag)] == []


def refused(names: list[str]) -> list[str]:
    return [name for name in names if clash(a_serving(extra_args=(name,)), LlamaCpp.managed) is not None]


class TestConnections:
    def test_one_that_rests_is_closed_after_five_seconds_as_each_answer_says(self, server: Server) -> None:
        """What docs/guides/engines.md tells whoever puts a proxy before it."""
        with server.connection() as connection:
            connection.request("GET", "/health")
            answer = connection.getresponse()
            assert answer.headers["Keep-Alive"] == "timeout=5, max=100"
            answer.read()
            asked = time.monotonic()
            assert connection.sock is not None
            assert connection.sock.recv(1) == b""
            assert time.monotonic() - asked > LLAMA_CPPS_OWN_SECONDS - 1


class TestKey:
    @pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/slots", "/props"])
    def test_without_the_key_all_but_the_health_is_closed(self, server: Server, path: str) -> None:
        assert server.anonymous(path).status == 401
        assert server.get(path, key="wrong").status == 401
        assert server.get(path).status == 200

    def test_without_the_key_nobody_chats(self, server: Server) -> None:
        assert dataclasses.replace(server, key=None).chat(CAPITAL).status == 401

    def test_where_no_key_is_rendered_none_is_asked(self, other: Server) -> None:
        assert other.anonymous("/v1/models").status == 200


class TestChat:
    def test_an_answer(self, server: Server) -> None:
        answer = server.chat(CAPITAL, max_tokens=4, temperature=0)
        assert CAPITAL_ANSWER in answer.message["content"]
        assert answer.json["model"] == MODEL
        usage = answer.json["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]

    def test_an_answer_where_nobody_asks_for_tools(self, other: Server) -> None:
        assert CAPITAL_ANSWER in other.chat(CAPITAL, max_tokens=4, temperature=0).message["content"]

    def test_a_stream_is_chunks_and_an_end(self, server: Server) -> None:
        options = {"max_tokens": 8, "ignore_eos": True, "stream_options": {"include_usage": True}}
        with server.stream(CAPITAL, temperature=0, **options) as events:
            *chunks, last = events
        assert last == "[DONE]"
        parsed = [json.loads(chunk) for chunk in chunks]
        texts = [choice["delta"].get("content") or "" for chunk in parsed for choice in chunk["choices"]]
        assert CAPITAL_ANSWER in "".join(texts)
        assert len([text for text in texts if text]) > 1
        assert parsed[-1]["usage"]["completion_tokens"] == 8


class TestReasoning:
    """Whether the model is asked to think, as the prompt shows that it is given."""

    def test_it_thinks_where_that_is_asked_for(self, server: Server) -> None:
        assert THINK in server.post("/apply-template", {"messages": [{"role": "user", "content": "Hi"}]}).text

    def test_and_not_where_it_is_not(self, other: Server) -> None:
        assert THINK not in other.post("/apply-template", {"messages": [{"role": "user", "content": "Hi"}]}).text


class TestTools:
    def test_by_default_the_model_may_call_or_not(self, server: Server) -> None:
        message = server.chat(CALL, tools=[WEATHER], tool_choice="auto", max_tokens=8, temperature=0).message
        assert message["role"] == "assistant"
        assert message.get("content") or message.get("tool_calls")

    def test_a_required_call_is_made_whatever_the_model(self, server: Server) -> None:
        once = {"tool_choice": "required", "parallel_tool_calls": False}
        message = server.chat(CALL, tools=[WEATHER], **once, max_tokens=40, temperature=0).message
        function = message["tool_calls"][0]["function"]
        assert function["name"] == "get_weather"
        assert json.loads(function["arguments"]) == {"city": CALL_CITY}


class TestLoad:
    def test_the_metrics_that_scaling_reads(self, server: Server) -> None:
        before = metrics(server)
        usage = server.chat("Say hello.", max_tokens=8).json["usage"]
        after = metrics(server)
        assert {"llamacpp:requests_processing", "llamacpp:requests_deferred"} <= after.keys()
        produced = after["llamacpp:tokens_predicted_total"] - before["llamacpp:tokens_predicted_total"]
        assert produced == usage["completion_tokens"]
        assert after["llamacpp:prompt_tokens_total"] > before["llamacpp:prompt_tokens_total"]

    def test_what_a_scaler_reads_is_what_clients_were_told(self, server: Server) -> None:
        """A prompt that comes twice is read once; the server counts it once, and what was found in its cache apart."""
        before = said_to_scalers(server)
        prompt = f"{time.time()} " * 20
        usages = [server.chat(prompt, max_tokens=8).json["usage"] for _ in range(2)]
        after = said_to_scalers(server)
        assert after.prompt_tokens - before.prompt_tokens == sum(usage["prompt_tokens"] for usage in usages)
        assert after.generation_tokens - before.generation_tokens == sum(one["completion_tokens"] for one in usages)
        assert 0 < after.cached_tokens - before.cached_tokens < sum(usage["prompt_tokens"] for usage in usages)
        assert (after.finished, after.cache_usage, after.first_token, after.output_token) == (None, None, None, None)

    def test_as_many_requests_run_at_once_as_there_are_slots_and_the_next_waits(self, server: Server) -> None:
        enough = threading.Event()

        def talk(number: int) -> str:
            with server.stream(f"Story {number}:", patience=HANGING_SECONDS, **LONG) as events:
                first = next(events)
                enough.wait(HANGING_SECONDS)
                return first

        def busy() -> bool:
            at_work = [slot["is_processing"] for slot in server.get("/slots").json]
            seen = metrics(server)
            told = (seen["llamacpp:requests_processing"], seen["llamacpp:requests_deferred"])
            return (at_work, told) == ([True] * SLOTS, (SLOTS, 1))

        with ThreadPoolExecutor(SLOTS + 1) as pool:
            talks = [pool.submit(talk, number) for number in range(SLOTS + 1)]
            try:
                wait_for(busy, 30, lambda: f"{SLOTS} running and 1 waiting request; {metrics(server)}")
            finally:
                enough.set()
            assert all(json.loads(talk.result())["choices"] for talk in talks)


class TestDrain:
    def wait(self, start_machine: Machine, server: Server, **seconds: int) -> float:
        """Run the rendered hook with other times; returns how long it took, which is less than to the end of time."""
        times = {"pause_seconds": 0, "blind_seconds": 0, "finish_seconds": 10 * HANGING_SECONDS, **seconds}
        command = drain.of_llama_cpp(port=server.port, **times)
        begun = time.monotonic()
        container = pod(port=server.port, api_key=SECRET).container
        ended = execute(start_machine, container, command, seconds=HANGING_SECONDS)
        assert (ended.returncode, ended.stderr) == (0, "")
        return time.monotonic() - begun

    @pytest.fixture
    def machine(self, tmp_path: Path) -> Machine:
        return Machine(tmp_path, {}, tmp_path, secrets={(SECRET.name, SECRET.key): KEY})

    def test_an_idle_server_is_told_at_once(self, server: Server, machine: Machine) -> None:
        wait_for(lambda: metrics(server)["llamacpp:requests_processing"] == 0, 30, "an idle server")
        self.wait(machine, server)

    def test_what_runs_is_finished_first(self, server: Server, machine: Machine) -> None:
        with server.stream("Story:", max_tokens=60, ignore_eos=True) as events:
            assert json.loads(next(events))["object"] == "chat.completion.chunk"
            self.wait(machine, server)
            assert metrics(server)["llamacpp:requests_processing"] == 0
            *_, last = events
        assert last == "[DONE]"

    def test_it_is_not_waited_for_without_end(self, server: Server, machine: Machine) -> None:
        with server.stream("Story:", **LONG) as events:
            assert json.loads(next(events))["object"] == "chat.completion.chunk"
            self.wait(machine, server, finish_seconds=2)
            assert metrics(server)["llamacpp:requests_processing"] == 1

    def script(self, folder: Path, name: str, text: str) -> Path:
        made = folder / name
        made.write_text(f"#!/bin/sh\n{text}\n")
        made.chmod(0o755)
        return made

    def slept(self, server: Server, folder: Path, **more: Any) -> list[str]:
        """Return for how long the hook sleeps, one time after another, where no sleep takes any time."""
        notes = folder / "slept"
        programs = {"sleep": self.script(folder, "sleep", f'echo "$1" >> {notes}'), **more.pop("programs", {})}
        machine = Machine(folder, programs, folder, secrets={(SECRET.name, SECRET.key): KEY}, **more)
        self.wait(machine, server, blind_seconds=7, finish_seconds=2)
        return notes.read_text().split()

    @pytest.mark.parametrize(("code", "sleeps"), [(7, {"0"}), (22, {"0", "7"}), (28, {"0", "1"}), (0, {"0", "7"})])
    def test_a_server_that_is_gone_refuses_or_is_slow_is_told_apart(
        self, server: Server, tmp_path: Path, code: int, sleeps: set[str]
    ) -> None:
        """One that is slow to answer is at work, and one that says nothing of its work gets time."""
        curl = self.script(tmp_path, "curl", f"exit {code}")
        assert set(self.slept(server, tmp_path, programs={"curl": curl})) == sleeps

    def test_an_image_without_curl_gets_a_fixed_time(self, server: Server, tmp_path: Path) -> None:
        assert self.slept(server, tmp_path, environ={"PATH": str(tmp_path / "bin")}) == ["0", "7"]


class TestEnd:
    """What happens at the signal is why nothing may be in work when it comes."""

    def test_an_idle_server_ends_at_once(self, start: Start) -> None:
        with start() as server:
            server.running.identity.signal(signal.SIGTERM)
            assert server.running.identity.wait(HANGING_SECONDS)
            assert server.running.exit_code() == 0

    def test_what_runs_at_the_signal_is_never_finished_and_holds_the_server_back(self, start: Start) -> None:
        with start() as server, ThreadPoolExecutor(2) as pool:
            whole = pool.submit(server.chat, "Story 1:", **LONG)
            with server.stream("Story 2:", **LONG) as events:
                try:
                    assert [json.loads(next(events))["object"] for _ in range(3)] == ["chat.completion.chunk"] * 3
                    wait_for(lambda: metrics(server)["llamacpp:requests_processing"] == 2, 20, "both requests to run")
                    server.running.identity.signal(signal.SIGTERM)
                    wait_for(lambda: refuses(server), 20, "nobody to be let in any more")
                    rest = pool.submit(list, events)
                    time.sleep(5)
                    # Clients are left waiting; now and then a stream is cut off, which is no end of an answer either.
                    assert not whole.done()
                    assert server.running.alive()
                finally:
                    server.running.kill()
                assert "[DONE]" not in rest.result()
            with pytest.raises((OSError, http.client.HTTPException)):
                whole.result()
