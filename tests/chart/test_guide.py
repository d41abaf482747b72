"""docs/guides/install.md says what the chart does: its values exist, and its commands do what they say."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hack.chart_reference import comments
from hack.manifests import CHART, ROOT
from tests.chart.conftest import HelmRun
from tests.cluster import Cluster
from tests.docs.blocks import blocks_of
from tests.docs.desk import Desk
from tests.docs.follow import follow
from tests.docs.scenes import SCENES, Needs, needing

pytestmark = pytest.mark.cluster

GUIDE = (ROOT / "docs" / "guides" / "install.md").read_text()
SWITCHES = re.findall(r"^\| `([\w.]+)(?:: (.+?))?` \|", GUIDE, re.MULTILINE)


def test_every_value_that_it_names_exists():
    known = {".".join(path) for path in comments((CHART / "values.yaml").read_text())}
    named = set(re.findall(r"`([a-z]\w+\.\w+)(?:: [^`]+)?`", GUIDE)) | {name for name, _ in SWITCHES}
    assert {"replicas", "watch.namespaces", "operator.unplacedSeconds"} <= named
    assert named <= known


@pytest.mark.parametrize(("name", "value"), [pair for pair in SWITCHES if pair[1]])
def test_each_switch_is_off_by_default_and_changes_what_is_rendered(run_helm: HelmRun, name: str, value: str):
    default = yaml.safe_load((CHART / "values.yaml").read_text())
    for key in name.split("."):
        default = default[key]
    assert default != yaml.safe_load(value)
    arguments = ("--set-json", f"{name}={_json(value)}")
    plain, switched = run_helm("template"), run_helm("template", arguments=arguments)
    assert switched.returncode == 0, switched.stderr
    assert switched.stdout != plain.stdout


def _json(value: str) -> str:
    return re.sub(r"[a-z]+-[a-z]+", r'"\g<0>"', value)


@pytest.fixture(scope="module")
def empty_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster without the operator and its kind: the guide brings both, and takes both away."""
    with Cluster.start(name="empty", root=tmp_path_factory.mktemp("cluster")) as running:
        running.add_fake_nodes(1)
        yield running


@pytest.mark.parametrize("page", needing(Needs.EMPTY_CLUSTER))
def test_it_does_what_it_says(page: str, empty_cluster: Cluster, helm: Path, kubectl: Path, tmp_path: Path):
    desk = Desk(tmp_path, kubeconfig=empty_cluster.kubeconfig, programs=(helm, kubectl))
    follow(blocks_of(page), SCENES[page], desk)
    assert empty_cluster.get("crd")["items"] == []
