"""Write manifests/overlays from the chart: `python -m hack.overlays [--check]`.

An overlay is the chart with some values, told as what differs from manifests/base, which is the chart without.
"""

import argparse
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hack.manifests import CHART, NAMESPACE, RELEASE, ROOT
from hack.merge_patch import Object, identity, merge_patch, removal
from tests.cluster.binaries import locate

FOLDER = ROOT / "manifests" / "overlays"
_HEADER = "# Generated from charts/gemma4-operator by `make generate`; do not edit.\n"
_HELMS_OWN = ("app.kubernetes.io/managed-by", "helm.sh/chart")
_CONFIGURATION = "kustomization.yaml"
_WIDTH = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One overlay: what it is for, and the values of the chart that make it."""

    name: str
    about: str
    values: tuple[str, ...]


OVERLAYS = (
    Overlay(
        name="ha",
        about="Two replicas of the operator on different nodes, one of which leads.",
        values=("replicas=2",),
    ),
    Overlay(
        name="namespaced",
        about="An operator of the namespace team-a alone, which must exist, with hardly any rights elsewhere.",
        values=("watch.namespaces={team-a}",),
    ),
    Overlay(
        name="monitoring",
        about="The operator watched by the Prometheus operator, whose kinds must be there, and by Grafana's sidecar.",
        values=tuple(f"monitoring.{part}.enabled=true" for part in ("podMonitor", "prometheusRule", "dashboard")),
    ),
)


def objects(helm: Path, *values: str) -> dict[str, Object]:
    """Return what the chart renders with some values, by kind, namespace and name, and without what is Helm's own."""
    options = ["--namespace", NAMESPACE, "--skip-tests"]
    options += [word for value in ("crds.enabled=false", *values) for word in ("--set", value)]
    command = [str(helm), "template", RELEASE, str(CHART), *options]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rendered = (_without_helm(one) for one in yaml.safe_load_all(output) if one)
    return {key_of(one): one for one in rendered}


def key_of(resource: Object) -> str:
    """Return the name of an object among all."""
    metadata = resource["metadata"]
    return "/".join(filter(None, (resource["kind"], metadata.get("namespace", ""), metadata["name"])))


def _without_helm(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_helm(inner) for key, inner in value.items() if key not in _HELMS_OWN}
    return [_without_helm(inner) for inner in value] if isinstance(value, list) else value


def files(overlay: Overlay, *, base: Mapping[str, Object], wanted: Mapping[str, Object]) -> dict[str, str]:
    """Return the text of each file of an overlay by its name."""
    added = {key: one for key, one in wanted.items() if key not in base}
    patches = [removal(one) for key, one in base.items() if key not in wanted]
    for key, one in wanted.items():
        if key in base and (patch := merge_patch(base[key], one)):
            patches.append(_merged(identity(one), patch))
    made = {f"{_file(one)}.yaml": _text(one) for one in added.values()}
    configuration: Object = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../../base", *sorted(made)],
    }
    if patches:
        configuration["patches"] = [{"path": f"{_file(one)}-patch.yaml"} for one in patches]
    made |= {f"{_file(one)}-patch.yaml": _text(one) for one in patches}
    return made | {_CONFIGURATION: f"{_HEADER}# {overlay.about}\n{_yaml(configuration)}"}


def _merged(found_by: Object, patch: Object) -> Object:
    metadata = {**found_by["metadata"], **patch.get("metadata", {})}
    return {**found_by, **patch, "metadata": metadata}


def _file(resource: Object) -> str:
    """Return a file's name for an object: that of the operator's namespace needs no further word."""
    metadata = resource["metadata"]
    own = metadata.get("namespace", NAMESPACE) == NAMESPACE
    kind = str(resource["kind"]).lower()
    suffix = "" if metadata["name"] == RELEASE else metadata["name"].removeprefix(RELEASE)
    return kind + suffix + ("" if own else f"-{metadata['namespace']}")


def _text(resource: Object) -> str:
    return _HEADER + _yaml(resource)


class _Dumper(yaml.SafeDumper):
    """Text of several lines, such as a dashboard, stays readable, and so do differences of it."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(str, _Dumper.represent_str)


def _yaml(document: Object) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=_WIDTH)


def texts(helm: Path) -> dict[str, str]:
    """Return the text of every file of every overlay, by its path under manifests/overlays."""
    base = objects(helm)
    return {
        f"{overlay.name}/{name}": text
        for overlay in OVERLAYS
        for name, text in files(overlay, base=base, wanted=objects(helm, *overlay.values)).items()
    }


def stale(wanted: Mapping[str, str]) -> list[str]:
    """Return the paths whose files are not as they should be, be it that they should not be there."""
    there = {str(path.relative_to(FOLDER)): path.read_text() for path in FOLDER.rglob("*.yaml")}
    return sorted(path for path in there.keys() | wanted.keys() if there.get(path) != wanted.get(path))


def main() -> int:
    """Write, or check and name what differs."""
    parser = argparse.ArgumentParser(prog="python -m hack.overlays", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something would change")
    check = parser.parse_args().check
    wanted = texts(locate("helm")["helm"])
    found = stale(wanted)
    for name in found:
        path = FOLDER / name
        if check:
            print(f"manifests/overlays/{name} differs from the chart: run `make generate`", file=sys.stderr)
        elif name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name])
        else:
            path.unlink()
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main())
