"""A container's environment: what the operator sets, and what the user adds to it.

Nothing the operator sets may be set once more, unless it is a default that an engine names as one. It carries a secret,
or is what probes and the Service rely on, or names a place that can be written to; to ignore the user silently would be
worse than to say so. Nor may a secret be written into the spec in plain, where whoever may read the resource reads it:
it has a field that refers to a Secret.
"""

from collections.abc import Iterable, Mapping

from gemma4_operator.engines.base import EnvVar, SecretSource, Serving

_TOKEN = "spec.secrets.huggingFaceToken"
HUB_TOKENS: Mapping[str, str] = {"HF_TOKEN": _TOKEN, "HUGGING_FACE_HUB_TOKEN": _TOKEN}
"""The names under which libraries look for the Hub's token, the second an older one, with the field that sets it."""


def merged(own: Iterable[EnvVar], user: Iterable[tuple[str, str]]) -> tuple[EnvVar, ...]:
    """Return one entry per name: the operator's in their order, then the user's; of equal names the last one stays."""
    by_name = {variable.name: variable for variable in own}
    by_name |= {name: EnvVar(name=name, value=value) for name, value in user}
    return tuple(by_name.values())


def from_secret(name: str, secret: SecretSource | None) -> tuple[EnvVar, ...]:
    """Return the variable that the kubelet fills from the secret, or none."""
    return (EnvVar(name=name, secret=secret),) if secret is not None else ()


def clash(serving: Serving, own: Iterable[EnvVar], *, fields: Mapping[str, str]) -> str | None:
    """Return why the user's environment cannot stand; `fields` maps a name to the field that sets it, if one does."""
    managed = {variable.name: variable for variable in own}
    for name, _ in serving.env:
        if name in fields:
            return f"`spec.engine.env` must not set '{name}': set `{fields[name]}` instead."
        if name in managed:
            value = managed[name].value
            return f"`spec.engine.env` must not set '{name}', which the operator sets to '{value}': leave it out."
    return None
