"""Where weights come from, in one line, and back."""

from gemma4_operator.engines.base import ClaimWeights, HuggingFaceWeights, OllamaWeights, Weights


def written(weights: Weights) -> str:
    """Return the line, such as `google/gemma-4-31B-it@main`."""
    match weights:
        case HuggingFaceWeights(repository=repository, revision=revision, file=file):
            return f"{repository}@{revision}" + (f":{file}" if file is not None else "")
        case ClaimWeights(claim_name=claim_name, path=path):
            return f"claim:{claim_name}/{path}"
        case OllamaWeights(name=name, tag=tag):
            return f"ollama:{name}:{tag}"


def read_weights(text: str) -> HuggingFaceWeights:
    """Return a repository's weights; those of other kinds stand in the spec. A revision has no colon.

    Raises:
        ValueError: If the line is none of a repository.
    """
    repository, at, rest = text.partition("@")
    revision, colon, file = rest.partition(":")
    if not at or "/" not in repository or not revision:
        raise ValueError("the checkpoint is none of a repository")
    return HuggingFaceWeights(repository=repository, revision=revision, file=file if colon else None)
