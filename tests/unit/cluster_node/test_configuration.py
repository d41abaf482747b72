"""What the node's programs are told, and what its volumes and engine caches are keyed by."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.cluster import engines
from tests.cluster.containerd import PAUSE_IMAGE, PRIVATE, Containerd
from tests.cluster.real import interpreter, shell
from tests.cluster.real.agents import gpu_labels
from tests.cluster.real.storage import weights_volume


@pytest.fixture(autouse=True)
def _programs_are_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configuration can be looked at on a machine that has no containerd."""
    monkeypatch.setattr(shell, "find", lambda program: f"/somewhere/{program}")


def _containerd(directory: Path) -> Containerd:
    return Containerd(
        directory=directory,
        bridge="gemma4-3",
        subnet="10.99.3.0/24",
        gateway="10.99.3.1",
        entrance=Path("/sys/fs/cgroup/unified/x/daemons/cgroup.procs"),
    )


def test_containerd_is_configured_by_a_file_of_its_own(tmp_path: Path) -> None:
    program = _containerd(tmp_path).program()
    config = tomllib.loads((tmp_path / "containerd.toml").read_text())
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert config["root"] == str(tmp_path / "containerd")
    assert cri["sandbox_image"] == PAUSE_IMAGE
    assert cri["restrict_oom_score_adj"] is True
    assert Path(cri["cni"]["conf_dir"]).is_relative_to(tmp_path)
    assert program.command[1] == str(tmp_path / "containerd.sh")


def test_pods_get_addresses_of_the_bridge(tmp_path: Path) -> None:
    containerd = _containerd(tmp_path)
    containerd.program()
    (plugin,) = json.loads((tmp_path / "cni" / "10-bridge.conflist").read_text())["plugins"]
    assert plugin["bridge"] == "gemma4-3"
    assert plugin["ipam"]["ranges"] == [[{"subnet": "10.99.3.0/24", "gateway": "10.99.3.1"}]]


def test_fixed_places_are_folders_of_the_node(tmp_path: Path) -> None:
    directory = tmp_path / "it's a folder"
    directory.mkdir()
    containerd = _containerd(directory)
    containerd.program()
    script = containerd.script()
    # The count comes before anything is made, and the mounts come in a namespace of their own.
    assert script.index("cgroup.procs") < script.index("/unshare --mount --propagation slave") < script.index("--bind")
    assert all(place in script for place in PRIVATE)
    assert len(list((directory / "private").iterdir())) == len(PRIVATE)


def test_a_node_says_of_its_gpus_what_feature_discovery_would() -> None:
    labels = gpu_labels("real-0", 2)
    assert labels["nvidia.com/gpu.product"] == "FAKE-GPU"
    assert labels["nvidia.com/gpu.count"] == "2"
    assert all(key.startswith("nvidia.com/") for key in labels)
    assert gpu_labels("real-0", 0) == {}


def test_a_claim_is_bound_to_the_folder_on_its_node(tmp_path: Path) -> None:
    volume, claim = weights_volume(tmp_path, node="real-0", namespace="here", claim="weights")
    assert volume["spec"]["hostPath"] == {"path": str(tmp_path), "type": "Directory"}
    assert volume["spec"]["claimRef"] == {"namespace": "here", "name": "weights"}
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    assert claim["spec"]["accessModes"] == volume["spec"]["accessModes"] == ["ReadOnlyMany"]
    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["real-0"]


CPU = "processor : 0\nvendor_id : AuthenticAMD\ncpu family : 23\nmodel : 1\ncpu MHz : 1996.1\nflags : fpu avx2 fma\n\n"


def test_an_engine_is_built_again_for_another_cpu_only() -> None:
    assert engines.cpu(CPU) == engines.cpu(CPU.replace("1996.1", "2400.0").replace("fpu avx2", "avx2 fpu"))
    assert engines.cpu(CPU) != engines.cpu(CPU.replace("avx2", "avx512f"))
    assert engines.cpu(CPU) != engines.cpu(CPU.replace("23", "25"))


def test_the_operator_s_image_gets_what_it_depends_on_and_no_more() -> None:
    names = {found.name.lower() for found in interpreter.requirements("gemma4-operator")}
    assert {"kopf", "aiohttp", "pydantic", "pydantic_core", "multidict"} <= {name.replace("-", "_") for name in names}
    assert not {"pytest", "ruff", "gemma4-operator"} & names


def test_bytecode_stands_where_the_interpreter_looks(tmp_path: Path) -> None:
    package = tmp_path / "thing"
    package.mkdir()
    (package / "a.py").write_text("ANSWER = 42\n")
    (package / "template.yaml").write_text("{}")
    tree = interpreter.package(package)
    assert {path for path in tree if "__pycache__" not in path} == {
        "/app/packages/thing/a.py",
        "/app/packages/thing/template.yaml",
    }
    assert [path for path in tree if path.startswith("/app/packages/thing/__pycache__/a.")]
    before = interpreter.source_fingerprint(package)
    (package / "a.py").write_text("ANSWER = 43\n")
    assert interpreter.source_fingerprint(package) != before
