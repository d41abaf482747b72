"""Every engine that the operator knows, one line each."""

from gemma4_operator.engines.base import Engine, Registry
from gemma4_operator.engines.llamacpp import LlamaCpp
from gemma4_operator.engines.nim import NIM
from gemma4_operator.engines.ollama import Ollama
from gemma4_operator.engines.vllm import VLLM

_ENGINES: tuple[Engine, ...] = (
    VLLM(),
    NIM(),
    LlamaCpp(),
    Ollama(),
)


def engines() -> Registry:
    """Return the engines by the name under which users ask for them."""
    return {engine.type: engine for engine in _ENGINES}
