"""Weights that the catalogue knows, named as something else: a plan for them would be one for other weights.

A repository that the catalogue does not know is what its user says it is, and so are claims and Ollama's library.
"""

from collections.abc import Iterable

from gemma4_operator.api.common import Quantization
from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.engines.base import HuggingFaceWeights
from gemma4_operator.planner.ask import Ask

_REPOSITORY = "spec.model.checkpoint.huggingFace.repository"


def mistaken(ask: Ask, catalog: Catalog) -> str:
    """Return why the spec's variant and format cannot be those of its repository; empty: they can."""
    weights = ask.weights
    if not isinstance(weights, HuggingFaceWeights):
        return ""
    rows = catalog.of_repository(weights.repository)
    if not rows:
        return ""
    own = [row for row in rows if row.variant is ask.variant]
    is_format = _may_have(own or rows, ask.quantization)
    if own and (is_format or _is_another(own, weights, ask)):
        return ""
    wrong = []
    if not own:
        wrong.append(f"`spec.model.variant` must be {_either(row.variant for row in rows)}, not '{ask.variant}'")
    if not is_format:
        known = _either(row.quantization for row in own or rows)
        wrong.append(f"`spec.model.quantization` must be {known}, not '{ask.quantization}'")
    return (
        f"{' and '.join(wrong)}, since the catalogue knows the weights of `{_REPOSITORY}` '{weights.repository}': "
        "name what they are, or the repository of what you want."
    )


def _may_have(rows: Iterable[Checkpoint], quantization: Quantization | None) -> bool:
    """Whether a repository may have a format: one of GGUF files has more of them than the catalogue lists."""
    return any(
        row.quantization is quantization or (row.file is not None and quantization is not None and quantization.is_gguf)
        for row in rows
    )


def _is_another(rows: Iterable[Checkpoint], weights: HuggingFaceWeights, ask: Ask) -> bool:
    """Whether a revision is meant that the catalogue does not know, with a size of its own: some keep formats there."""
    return ask.weights_bytes is not None and weights.revision not in {row.revision for row in rows}


def _either(names: Iterable[str]) -> str:
    return " or ".join(f"'{name}'" for name in dict.fromkeys(names))
