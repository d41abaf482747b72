"""What the image holds of others: all of it, with licences that allow it; and a wheel that is the same each time."""

import hashlib
import json
import os
import re
import subprocess
import sys
from email.message import Message
from importlib.metadata import PackageMetadata
from pathlib import Path
from typing import Any, cast

import pytest

from hack.dependencies_reference import ROOT, Unlicensed, dependencies, licence_of

UV = Path(sys.executable).with_name("uv")
LOCK: dict[str, Any] = {
    "package": [
        {
            "name": "gemma4-operator",
            "dependencies": [{"name": "kopf"}, {"name": "pydantic"}],
            "dev-dependencies": {"dev": [{"name": "pytest"}]},
        },
        {"name": "kopf", "version": "1.0", "dependencies": [{"name": "pydantic"}]},
        {
            "name": "pydantic",
            "version": "2.0",
            "dependencies": [
                {"name": "colorama", "marker": "sys_platform == 'win32'"},
                {"name": "tomli", "marker": "python_full_version < '3.11'"},
                {"name": "typing-extensions", "marker": "python_full_version < '3.13'"},
            ],
        },
        {"name": "typing-extensions", "version": "4.0"},
        {"name": "colorama", "version": "0.4"},
        {"name": "tomli", "version": "2.0"},
        {"name": "pytest", "version": "9.0"},
    ]
}


def package(**fields: str | list[str]) -> PackageMetadata:
    """Return what a package says of itself."""
    message = Message()
    message["Name"] = "it"
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            message[name.replace("_", "-")] = value
    return cast("PackageMetadata", message)


def uv(*arguments: str) -> str:
    environ = {**os.environ, "UV_OFFLINE": "1"} if "export" in arguments else None
    return subprocess.run([UV, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout


def test_what_is_needed_on_linux_and_by_whom() -> None:
    assert [(one.name, one.version, one.needed_by) for one in dependencies(LOCK)] == [
        ("kopf", "1.0", ("gemma4-operator",)),
        ("pydantic", "2.0", ("gemma4-operator", "kopf")),
        ("typing-extensions", "4.0", ("pydantic",)),
    ]


def listed() -> dict[str, str]:
    """Return the versions that the page tells."""
    page = (ROOT / "docs" / "reference" / "dependencies.md").read_text()
    return dict(re.findall(r"^\| ([\w.-]+) \| (\d\S*) \|", page, re.MULTILINE))


def test_the_page_has_what_uv_installs() -> None:
    exported = uv("export", "--quiet", "--frozen", "--no-dev", "--no-hashes", "--no-emit-project")
    wanted = {}
    for line in exported.splitlines():
        found = re.match(r"([\w.-]+)==([^ ;]+)(?: ; (.*))?", line)
        if found and not ("win32" in (found[3] or "") or "< '3.11'" in (found[3] or "")):
            wanted[found[1]] = found[2]
    assert listed() == wanted


def test_the_bill_of_materials_has_all_of_it_with_hashes(tmp_path: Path) -> None:
    made = subprocess.run(["make", "dist", f"DIST={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(made.stdout.split()) == {"gemma4-operator.cdx.json", next(tmp_path.glob("*.whl")).name}
    bill = json.loads((tmp_path / "gemma4-operator.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    parts = {one["name"]: one for one in bill["components"]}
    versions = {name: one["version"] for name, one in parts.items()}
    assert listed().items() <= versions.items()
    assert "pytest" not in parts
    for one in parts.values():
        assert one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}"
        assert all(where["hashes"][0]["alg"] == "SHA-256" for where in one["externalReferences"])


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        (package(License_Expression="Apache-2.0"), "Apache-2.0"),
        (package(License_Expression="Apache-2.0 AND MIT"), "Apache-2.0 AND MIT"),
        (package(License="MIT License"), "MIT"),
        (package(License="x" * 500, Classifier=["License :: OSI Approved :: BSD License"]), "BSD-3-Clause"),
        (
            package(License="see file", Classifier=["Topic :: Internet", "License :: OSI Approved :: MIT License"]),
            "MIT",
        ),
    ],
)
def test_licences_are_named_as_spdx_does(said: PackageMetadata, licence: str) -> None:
    assert licence_of(said) == licence


@pytest.mark.parametrize(
    "said",
    [
        package(),
        package(License_Expression="GPL-3.0-only"),
        package(License_Expression="MIT AND GPL-3.0-only"),
        package(License="Proprietary", Classifier=["License :: Other/Proprietary License"]),
    ],
)
def test_one_that_may_not_be_passed_on_is_refused(said: PackageMetadata) -> None:
    with pytest.raises(Unlicensed, match=r"^it says '.*' of its licence"):
        licence_of(said)


def test_the_wheel_is_the_same_each_time(tmp_path: Path) -> None:
    digests = set()
    for attempt in ("one", "two"):
        uv("build", "--quiet", "--wheel", "--out-dir", str(tmp_path / attempt))
        (wheel,) = (tmp_path / attempt).glob("*.whl")
        digests.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(digests) == 1
