"""The two tables of deployments, read once: what both judges must refuse, and what both must accept."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent
_BAD = yaml.safe_load((_HERE / "bad_deployments.yaml").read_text())
_GOOD = yaml.safe_load((_HERE / "good_deployments.yaml").read_text())

MINIMAL: dict[str, Any] = _BAD["minimal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A deployment to refuse, and what a person must be told about it."""

    name: str
    patch: dict[str, Any]
    path: str
    server_path: str
    says: str
    operator_says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A deployment to accept."""

    name: str
    patch: dict[str, Any]


def patched(*patches: dict[str, Any]) -> dict[str, Any]:
    """Return the smallest good deployment with patches over it; nulls are set, not deleted."""
    body = copy.deepcopy(MINIMAL)
    for patch in patches:
        body = _merge(body, copy.deepcopy(patch))
    return body


def _merge(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: _merge(old.get(key), value) for key, value in new.items()}
    return new


BAD = tuple(
    Bad(
        name=case["name"],
        patch=case["patch"],
        path=case["path"],
        server_path=case.get("serverPath", case["path"]),
        says=case["says"],
        operator_says=case.get("operator", case["says"]),
    )
    for case in _BAD["cases"]
)

GOOD = tuple(Good(name=case["name"], patch=case["patch"]) for case in _GOOD["cases"])
