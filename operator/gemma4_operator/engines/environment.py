"""A container's environment: what the operator sets, what the user adds, and who wins.

The user wins, one entry per name, except where the value carries a secret or is what probes and the Service rely on:
there the engine refuses, since ignoring the user silently would be worse.
"""

from collections.abc import Iterable, Mapping

from gemma4_operator.engines.base import EnvVar, SecretSource, Serving


def merged(own: Iterable[EnvVar], user: Iterable[tuple[str, str]]) -> tuple[EnvVar, ...]:
    """Return one entry per name: the operator's in their order, the user's values over them, new names at the end."""
    by_name = {variable.name: variable for variable in own}
    by_name |= {name: EnvVar(name=name, value=value) for name, value in user}
    return tuple(by_name.values())


def from_secret(name: str, secret: SecretSource | None) -> tuple[EnvVar, ...]:
    """Return the variable that the kubelet fills from the secret, or none."""
    return (EnvVar(name=name, secret=secret),) if secret is not None else ()


def clash(serving: Serving, reserved: Mapping[str, str]) -> str | None:
    """Return why the user's environment cannot stand; `reserved` maps a name to the field that sets it instead."""
    for name, _ in serving.env:
        if name in reserved:
            return f"`spec.engine.env` must not set '{name}', which `{reserved[name]}` does: remove one of the two."
    return None
