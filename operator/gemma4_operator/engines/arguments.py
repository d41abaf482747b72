"""The user's extra arguments: they come last and may set anything but what another field of the spec says."""

from collections.abc import Mapping

from gemma4_operator.engines.base import Serving


def clash(serving: Serving, owned: Mapping[str, str]) -> str | None:
    """Return why the extra arguments cannot stand; `owned` maps a flag to the field that sets it.

    Both spellings of a flag count, with '-' and with '_', and both ways to give its value, '--flag value' and
    '--flag=value'.
    """
    for argument in serving.extra_args:
        flag = argument.partition("=")[0]
        if flag.startswith("--"):
            flag = flag.replace("_", "-")
        if flag in owned:
            return f"`spec.engine.extraArgs` must not contain '{flag}': set `{owned[flag]}` instead."
    return None
