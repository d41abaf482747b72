"""Real engines that fail to start, and the cause that the status would name from their last words."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gemma4_operator.engines.base import ClaimWeights, ContainerSpec
from gemma4_operator.engines.llamacpp import LlamaCpp
from gemma4_operator.engines.vllm import VLLM
from gemma4_operator.status.diagnosis.cause import find_cause
from gemma4_operator.status.diagnosis.rules import Diagnosis
from gemma4_operator.status.evidence import LOG_BYTES, LOG_LINES, gather
from gemma4_operator.status.reasons import Reason
from tests.cluster import engines, ports, vllm
from tests.real.served import Machine, short_folder
from tests.rendering import a_serving

pytestmark = pytest.mark.engine


def last_words(machine: Machine, container: ContainerSpec, *extra: str) -> tuple[int, str]:
    """Return the exit code and what the operator would read of the log."""
    code, said = machine.run(replace(container, args=(*container.args, *extra)), seconds=900)
    return code, "\n".join(said[-LOG_BYTES:].splitlines()[-LOG_LINES:])


def cause(name: str, code: int, log: str) -> Diagnosis:
    """Return what is made of a container that ended so."""
    status = {
        "name": name,
        "ready": False,
        "restartCount": 1,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
        "lastState": {"terminated": {"exitCode": code, "reason": "Error"}},
    }
    pod = {"metadata": {"name": "chat-1"}, "status": {"phase": "Running", "containerStatuses": [status]}}
    found = find_cause(gather(pod, (), log))
    assert found is not None, log
    return found


class TestLlamaCpp:
    @pytest.fixture
    def run(self, tmp_path: Path) -> Any:
        (tmp_path / "weights").mkdir()
        (tmp_path / "weights" / "gemma.gguf").symlink_to(engines.weights())
        half = engines.weights().read_bytes()[:1_000_000]
        (tmp_path / "weights" / "half.gguf").write_bytes(half)
        programs = {"/app/llama-server": engines.llama_server()}
        machine = Machine(tmp_path / "pod", programs, tmp_path / "weights")

        def fail(*extra: str, path: str = "gemma.gguf", **changes: Any) -> Diagnosis:
            weights = ClaimWeights(claim_name="weights", path=path)
            # It listens before it reads anything, and what a pod has of its own others may have on this machine.
            (port,) = ports.reserve(1)
            fields = {"quantization": "Q4_K_M", "host_cache_mib": 64, "port": port.port}
            container = LlamaCpp().pod(a_serving(weights=weights, **{**fields, **changes})).container
            try:
                code, log = last_words(machine, container, *extra)
            finally:
                port.release()
            assert code != 0, log
            return cause(container.name, code, log)

        return fail

    def test_a_file_that_is_not_there(self, run: Any) -> None:
        found = run(path="not-there.gguf")
        assert (found.reason, "not-there.gguf" in found.message) == (Reason.MODEL_FILES_MISSING, True)

    def test_half_a_file(self, run: Any) -> None:
        found = run(path="half.gguf")
        assert found.reason is Reason.MODEL_FILES_CORRUPT

    def test_a_flag_that_it_does_not_know(self, run: Any) -> None:
        found = run("--no-such-flag")
        assert (found.reason, "--no-such-flag" in found.message) == (Reason.INVALID_ENGINE_CONFIG, True)

    def test_a_port_that_is_taken(self, run: Any) -> None:
        with socket.create_server(("0.0.0.0", 0)) as taken:
            found = run(port=taken.getsockname()[1])
        assert found.reason is Reason.PORT_IN_USE


class TestVllm:
    @pytest.fixture
    def run(self) -> Iterator[Any]:
        checkpoint = vllm.checkpoint()
        with short_folder() as folder:
            yield self.failing(checkpoint, folder)

    def failing(self, checkpoint: Path, folder: Path) -> Any:
        machine = Machine(folder, {"vllm": vllm.command()}, checkpoint.parent)

        def fail(*extra: str, path: str = checkpoint.name, without: Sequence[str] = (), **changes: Any) -> Diagnosis:
            weights = ClaimWeights(claim_name="weights", path=path)
            (port,) = ports.reserve(1)
            fields = {"context_tokens": 256, "max_batched_tokens": 256, "kv_cache_bytes": 2**24, "port": port.port}
            wanted = a_serving(weights=weights, **{**fields, **changes})
            container = VLLM().pod(wanted).container
            try:
                code, log = last_words(machine, container, "--enforce-eager", *extra)
            finally:
                port.release()
            assert code != 0, log
            return cause(container.name, code, log)

        return fail

    def test_a_flag_that_it_does_not_know(self, run: Any) -> None:
        found = run("--no-such-flag")
        assert (found.reason, "--no-such-flag" in found.message) == (Reason.INVALID_ENGINE_CONFIG, True)

    def test_a_folder_that_is_not_there(self, run: Any) -> None:
        found = run(path="not-there")
        assert (found.reason, "not-there" in found.message) == (Reason.MODEL_FILES_MISSING, True)

    def test_a_cache_too_small_for_one_request(self, run: Any) -> None:
        found = run(kv_cache_bytes=2**16)
        assert found.reason is Reason.KV_CACHE_TOO_SMALL
