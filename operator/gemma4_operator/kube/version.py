"""How old the control plane may be."""

import re

_OLDEST = (1, 30)
"""The rules of a definition are enforced from there on, and the chart asks for it."""


def is_old(version: str) -> bool | None:
    """Whether a version, such as v1.36.3, is older than may be; None: it is not one."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) < _OLDEST if found else None


def too_old(version: str) -> str:
    """Return that it is, and what to do."""
    return (
        f"Kubernetes is {version} and must be {'.'.join(map(str, _OLDEST))} or newer: older ones do not enforce all "
        "rules of the definition. Upgrade the control plane."
    )
