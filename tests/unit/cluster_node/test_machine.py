"""What a node takes from its machine: a free subnet, the cgroup trees, the system packages."""

import os
from pathlib import Path

import pytest

from tests.cluster import ClusterError, debian
from tests.cluster.node import create_bridge
from tests.cluster.real import cgroups
from tests.cluster.real.bridge import free_subnet

HYBRID = """\
25 30 0:23 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
26 25 0:24 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw
27 25 0:25 / /sys/fs/cgroup/pids rw shared:11 - cgroup cgroup rw,pids
28 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:12 - cgroup cgroup rw,cpu,cpuacct
"""


def test_the_unified_tree_comes_first() -> None:
    found = [(str(tree.mount), tree.unified) for tree in cgroups.hierarchies(HYBRID)]
    assert found == [
        ("/sys/fs/cgroup/unified", True),
        ("/sys/fs/cgroup/cpu,cpuacct", False),
        ("/sys/fs/cgroup/pids", False),
    ]


def _address(local: str, prefixlen: int) -> dict[str, object]:
    return {"ifname": "eth0", "addr_info": [{"local": local, "prefixlen": prefixlen}]}


def test_a_free_subnet_meets_no_address_and_no_route() -> None:
    assert str(free_subnet([], [])) == "10.99.0.0/24"
    taken = [_address("10.99.0.7", 24), _address("fe80::1", 64)]
    routes: list[dict[str, object]] = [{"dst": "default"}, {"dst": "10.99.1.0/25"}, {"dst": "10.99.2.9"}]
    assert str(free_subnet(taken, routes)) == "10.99.3.0/24"


def test_a_machine_without_a_free_subnet_says_so() -> None:
    with pytest.raises(ClusterError, match=r"10\.99\.0\.0/16 is in use"):
        free_subnet([], [{"dst": "10.0.0.0/8"}])


def test_without_root_there_is_no_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="needs root"):
        create_bridge()


def _programs(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


PACKAGES = {"containerd": ("containerd", "ctr"), "nftables": ("nft",)}


def test_a_package_is_missing_if_one_of_its_programs_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "SEARCH_PATH", _programs(tmp_path, "containerd", "nft"))
    assert debian.missing(PACKAGES) == ["containerd"]


def test_with_everything_there_apt_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Were it asked, the absence of apt-get here would be an error.
    monkeypatch.setattr(debian, "SEARCH_PATH", _programs(tmp_path, "containerd", "ctr", "nft"))
    debian.ensure(PACKAGES)


def test_without_root_the_command_to_type_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "SEARCH_PATH", _programs(tmp_path, "apt-get", "nft"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match=r"sudo apt-get install --no-install-recommends containerd$"):
        debian.ensure(PACKAGES)
    assert debian.why_no_node() == "a real node needs root"


def test_elsewhere_than_on_debian_the_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "SEARCH_PATH", _programs(tmp_path, "containerd"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ClusterError, match="ctr, nft are missing"):
        debian.ensure(PACKAGES)
    assert "there is no apt-get" in str(debian.why_no_node())


def test_apt_is_asked_for_what_is_missing_and_starts_no_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, policy, told = tmp_path / "bin", tmp_path / "policy-rc.d", tmp_path / "told"
    folder.mkdir()
    _programs(folder, "containerd", "ctr")
    apt = folder / "apt-get"
    apt.write_text(
        f'#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >> {told}; cat {policy} >> {told}\n'
        f"printf '' > {folder}/nft; /bin/chmod 755 {folder}/nft\n"
    )
    apt.chmod(0o755)
    monkeypatch.setattr(debian, "SEARCH_PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(debian, "_POLICY", policy)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    debian.ensure({"containerd": ("containerd", "ctr"), "nftables": (str(folder / "nft"),)})
    text = told.read_text()
    assert "noninteractive -o DPkg::Lock::Timeout=120 update" in text
    assert "install -qq --yes --no-install-recommends nftables\n" in text
    assert "exit 101" in text
    assert not policy.exists()
