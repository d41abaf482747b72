"""What the samples become, word for word, and judged by the schemas of three versions of Kubernetes.

`pytest tests/snapshot --snapshot-update` writes the files anew; read the difference as users will see it.
"""

import socket
from typing import Any, NoReturn

import kubernetes_validate
import pytest
from syrupy.assertion import SnapshotAssertion

from gemma4_operator.render.template import without_record
from tests.snapshot.test_objects import YamlFile
from tests.unit.render.test_samples import SAMPLES, rendered

KUBERNETES = ("1.35", "1.36", "1.37")
"""The newest that kubernetes-validate has; the schemas are in the package."""


def refuse(*_: Any) -> NoReturn:
    raise AssertionError("the schemas must not come from the network")


def judge(obj: dict[str, Any], version: str) -> None:
    """Raise what is wrong with an object; strict: a field that there is not is wrong."""
    # The package falls back on an older version where it lacks one.
    assert kubernetes_validate.validate(obj, version, strict=True) == version


@pytest.mark.parametrize("name", SAMPLES)
def test_rendered(name: str, snapshot: SnapshotAssertion) -> None:
    assert [without_record(obj) for obj in rendered(name).objects.values()] == snapshot(extension_class=YamlFile)


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("name", SAMPLES)
def test_the_schema_takes_every_object(name: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = rendered(name).objects.values()
    monkeypatch.setattr(socket.socket, "connect", refuse)
    for obj in objects:
        judge(obj, version)


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_schema_refuses_a_field_that_there_is_not(version: str) -> None:
    service = rendered("e2b-llamacpp").service
    with pytest.raises(kubernetes_validate.ValidationError, match="colour"):
        judge({**service, "spec": {**service["spec"], "colour": "blue"}}, version)


def test_these_are_the_newest_versions() -> None:
    schemas = kubernetes_validate.utils
    assert tuple(dict.fromkeys(map(schemas.major_minor, schemas.all_versions())))[-3:] == KUBERNETES
