"""The running Python, without what it was built and tested with, as files of an image.

It moves to /usr/local, and the packages that the operator needs to /app/packages. Modules are compiled beforehand:
in a pod the root file system is read-only, and an operator that compiles all it imports at each start needs seconds.
"""

import hashlib
import importlib.metadata
import os
import py_compile
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.cluster.real.oci import File, Folder

_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
PROGRAM = f"/usr/local/bin/{_VERSION}"
_LIBRARY = f"/usr/local/lib/{_VERSION}"
_PACKAGES = "/app/packages"
ENVIRONMENT = {"PYTHONHOME": "/usr/local", "PYTHONPATH": _PACKAGES}
# Of the standard library: what no server imports.
_LEFT_OUT = frozenset(
    {"__pycache__", "site-packages", "dist-packages", "ensurepip", "idlelib", "lib2to3", "tkinter", "turtledemo"}
    | {"test", "tests"}
)
_CONFIG_FOLDER = re.compile(r"config-\d")


def runtime(distribution: str) -> dict[str, File | Folder]:
    """Returns interpreter, standard library, shared libraries and everything that a distribution depends on."""
    executable = Path(sys.executable).resolve()
    tree: dict[str, File | Folder] = {PROGRAM: File(executable, mode=0o755)}
    binaries = [executable]
    for source, target in _sources(distribution):
        if source.suffix == ".so" or ".so." in source.name:
            binaries.append(source)
        tree |= _with_bytecode(source, target)
    return tree | libraries(binaries)


def package(folder: Path) -> dict[str, File | Folder]:
    """Returns a package of the checkout, which may differ from what is installed."""
    tree: dict[str, File | Folder] = {}
    for path in _walk(folder):
        tree |= _with_bytecode(path, f"{_PACKAGES}/{folder.name}/{path.relative_to(folder)}")
    return tree


def metadata(distribution: str) -> dict[str, File | Folder]:
    """Returns what a distribution says of itself, such as its version, as an installation would leave it."""
    found = importlib.metadata.distribution(distribution)
    name = f"{distribution.replace('-', '_')}-{found.version}.dist-info"
    return {f"{_PACKAGES}/{name}/METADATA": File(f"Name: {distribution}\nVersion: {found.version}\n".encode())}


def fingerprint(distribution: str) -> str:
    """Changes when the interpreter or a package does; versions are enough, for a lock file pins them."""
    versions = sorted(f"{found.name}=={found.version}" for found in requirements(distribution))
    return repr((sys.version, sys.executable, versions))


def source_fingerprint(folder: Path) -> str:
    """Changes when a file of a package does; bytecode does not count, for one source does not always give the same."""
    digest = hashlib.sha256()
    for path in sorted(_walk(folder)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)} {len(content)} ".encode() + content)
    return digest.hexdigest()


def requirements(distribution: str) -> list[importlib.metadata.Distribution]:
    """Returns all that a distribution depends on in this environment, itself not included."""
    found: dict[str, importlib.metadata.Distribution] = {}
    todo = [distribution]
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform, or of an extra that is not installed
        # Extras of others are skipped; a package that only they need may come along, which does no harm.
        todo += [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in found[name].requires or []
                 if "extra ==" not in text]  # fmt: skip
    found.pop(re.sub(r"[-_.]+", "-", distribution).lower(), None)
    return list(found.values())


def libraries(binaries: Iterable[Path]) -> dict[str, File | Folder]:
    """Returns the shared libraries that programs load, where the loader looks for them; none for static ones."""
    paths = [str(path) for path in binaries]
    said = subprocess.run(["ldd", *paths], capture_output=True, text=True, check=False).stdout
    found = set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", said, re.MULTILINE))
    return {path: File(Path(path), mode=0o755) for path in sorted(found)}


def _sources(distribution: str) -> Iterator[tuple[Path, str]]:
    for key in dict.fromkeys((sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))):
        library = Path(str(key).replace(sys.prefix, sys.base_prefix))
        for path in _walk(library):
            yield path, f"{_LIBRARY}/{path.relative_to(library)}"
    for found in requirements(distribution):
        for entry in found.files or []:
            path = Path(str(found.locate_file(entry)))
            # Scripts lie outside, at ../../../bin.
            if ".." not in entry.parts and path.suffix != ".pyc" and path.is_file():
                yield path, f"{_PACKAGES}/{entry}"


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT and not _CONFIG_FOLDER.match(name)]
        yield from (Path(parent) / name for name in files if not name.endswith((".a", ".pyc")))


def _with_bytecode(source: Path, target: str) -> dict[str, File | Folder]:
    tree: dict[str, File | Folder] = {target: File(source)}
    if source.suffix == ".py" and (compiled := _compile(source, target)):
        parent, name = target.rsplit("/", 1)
        tree[f"{parent}/__pycache__/{name[:-3]}.{sys.implementation.cache_tag}.pyc"] = File(compiled)
    return tree


def _compile(source: Path, target: str) -> bytes | None:
    with tempfile.TemporaryDirectory() as folder:
        # Never compared with the source: in an image all files are of the same time.
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        output = Path(folder) / "module.pyc"
        try:
            py_compile.compile(str(source), str(output), dfile=target, doraise=True, invalidation_mode=mode)
        except py_compile.PyCompileError:
            return None  # templates and examples for other versions
        return output.read_bytes()
