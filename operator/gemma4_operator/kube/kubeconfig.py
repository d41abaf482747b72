"""The files that say which cluster is meant: read, merged and followed as kubectl does it.

The client's own reader merges too, but takes the last file's current context, and looks for a user's certificates
beside the file of its cluster.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

_LISTS = {"clusters": "cluster", "contexts": "context", "users": "user"}
"""What a file lists by name, and what each entry calls its content."""
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
"""Fields that name a file, which is looked for beside the kubeconfig."""
Config = Mapping[str, Any]


class UnusableKubeconfig(ValueError):
    """A kubeconfig is none, or names no cluster; one clause that says what is wrong."""


def usual_paths() -> tuple[Path, ...]:
    """Return the files of `KUBECONFIG`, else the one of the home folder."""
    named = [path for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    return tuple(map(Path, named)) if named else (Path.home() / ".kube" / "config",)


def merged(paths: Sequence[Path]) -> Config:
    """Return the files as one; of what several say, the first is right, and a file that is not there says nothing.

    Raises:
        UnusableKubeconfig: For a file that is no kubeconfig.
        OSError: For one that cannot be read.
    """
    whole: dict[str, Any] = {"current-context": ""}
    named: dict[str, dict[str, Any]] = {kind: {} for kind in _LISTS}
    for path in paths:
        if not path.exists():
            continue
        config = _read(path)
        whole["current-context"] = whole["current-context"] or config.get("current-context") or ""
        for kind in _LISTS:
            for entry in _entries(config, kind, path):
                named[kind].setdefault(entry["name"], entry)
    return {**whole, **{kind: list(entries.values()) for kind, entries in named.items()}}


def context_of(config: Config, named: str | None) -> str:
    """Return the context that counts: the one that is named, else the current one. Raises UnusableKubeconfig."""
    context = named or config["current-context"]
    known = sorted(str(entry["name"]) for entry in config["contexts"])
    if context not in known:
        lacks = f"no context '{context}'" if context else "no current context"
        raise UnusableKubeconfig(f"it has {lacks}, only {', '.join(known)}" if known else "it has no contexts at all")
    return str(context)


def namespace_of(config: Config, context: str) -> str:
    """Return the namespace of a context; empty: it names none."""
    found = next(entry for entry in config["contexts"] if entry["name"] == context)
    return str((found.get("context") or {}).get("namespace") or "")


def _read(path: Path) -> Config:
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UnusableKubeconfig(f"'{path}' is not YAML: {' '.join(str(error).split())}") from error
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise UnusableKubeconfig(f"'{path}' is none")
    return config


def _entries(config: Config, kind: str, path: Path) -> Iterator[dict[str, Any]]:
    listed = config.get(kind) or []
    if not isinstance(listed, list):
        raise UnusableKubeconfig(f"`{kind}` of '{path}' is not a list")
    field = _LISTS[kind]
    for entry in listed:
        content = (entry.get(field) or {}) if isinstance(entry, dict) else None
        if not isinstance(content, dict) or not entry.get("name"):
            raise UnusableKubeconfig(f"`{kind}` of '{path}' has an entry without a name, or of another form")
        beside = {name: str(path.absolute().parent / str(content[name])) for name in _PATHS if content.get(name)}
        yield {**entry, field: {**content, **beside}}
