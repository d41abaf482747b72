"""The rights that the operator looks for are those that its role grants: no fewer, and no more."""

from dataclasses import replace
from pathlib import Path

import yaml

from gemma4_operator.api.common import GROUP, VERSION
from gemma4_operator.api.deployment import KIND, PLURAL
from gemma4_operator.kube.kinds import Kind
from gemma4_operator.kube.rights import DIAGNOSIS, Right, rights

ROLE = Path(__file__).parents[3] / "manifests" / "base" / "clusterrole.yaml"
RESOURCE = Kind(group=GROUP, version=VERSION, kind=KIND, plural=PLURAL)


def granted() -> set[Right]:
    """Return what the role grants, right by right."""
    found = set()
    for rule in yaml.safe_load(ROLE.read_text())["rules"]:
        for group in rule["apiGroups"]:
            for named in rule["resources"]:
                resource, _, subresource = named.partition("/")
                for verb in rule["verbs"]:
                    namespaced = resource not in ("nodes", "customresourcedefinitions")
                    right = Right(group=group, resource=resource, verb=verb, subresource=subresource)
                    found.add(replace(right, namespaced=namespaced))
    return found


def test_they_are_what_the_role_grants() -> None:
    listed = (*rights(RESOURCE), *DIAGNOSIS)
    assert set(listed) == granted()
    assert len(listed) == len(set(listed))


def test_a_right_reads_as_kubectl_takes_it() -> None:
    assert Right(group="", resource="pods", verb="list").text == "list pods"
    assert Right(group="", resource="pods", verb="get", subresource="log").text == "get pods/log"
    assert Right(group="apps", resource="deployments", verb="patch").text == "patch deployments.apps"
    own = Right(group=GROUP, resource=PLURAL, verb="patch", subresource="status")
    assert own.text == "patch gemma4deployments.gemma4.dev/status"
