"""Which programs a cluster is made of, and how each is built from the Go modules beside this file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

_MODULES = Path(__file__).parent / "modules"
_KUBERNETES = "1.36.3"
_STRIP = "-s -w"
_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Recipe:
    """One Go module and what comes out of it."""

    module: str
    """Name of the folder with go.mod and go.sum."""
    programs: tuple[tuple[str, str], ...]
    """Pairs of a binary's name and its Go package."""
    ldflags: str
    minutes: float
    """What a cold build takes on two cores: told to the person who waits."""
    version_arguments: tuple[str, ...] = ("--version",)
    required_version: str | None = None
    """What the version text of a binary found on PATH must contain; None takes any."""
    for_tests_only: bool = False
    """Whether a cluster, and so the demo, does without."""

    @property
    def folder(self) -> Path:
        return _MODULES / self.module

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.programs)

    def key(self, go_version: str) -> str:
        """Names the cache folder: everything that changes the result changes it."""
        digest = hashlib.sha256()
        own = (path.read_bytes() for path in sorted(self.folder.glob("*.go")))
        parts = [(self.folder / "go.mod").read_bytes(), (self.folder / "go.sum").read_bytes(), *own]
        parts += [repr((self.programs, self.ldflags)).encode(), go_version.encode()]
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return f"{self.module}-{digest.hexdigest()[:12]}"

    def version_command(self, program: Path) -> list[str]:
        # kubectl alone knows no --version, and would ask a server without --client.
        client = program.name == "kubectl"
        return [str(program), *(("version", "--client") if client else self.version_arguments)]


# Without these flags the server calls itself v0.0.0 and clients misjudge what it can do.
_KUBERNETES_FLAGS = (
    f"{_STRIP} -X {_VERSION}.gitVersion=v{_KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=36"
)

RECIPES = (
    Recipe(
        module="etcd",
        programs=(("etcd", "go.etcd.io/etcd/server/v3"),),
        ldflags=_STRIP,
        minutes=1,
    ),
    Recipe(
        module="kubernetes",
        programs=tuple(
            (name, f"k8s.io/kubernetes/cmd/{name}")
            for name in (
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubectl",
                "kubelet",
                "kube-proxy",
            )
        ),
        ldflags=_KUBERNETES_FLAGS,
        minutes=8,
        required_version="v1.36.",
    ),
    Recipe(
        module="kwok",
        programs=(("kwok", "sigs.k8s.io/kwok/cmd/kwok"),),
        ldflags=_STRIP,
        minutes=2,
    ),
    Recipe(
        module="helm",
        programs=(("helm", "helm.sh/helm/v4/cmd/helm"),),
        ldflags=_STRIP,
        minutes=2,
        version_arguments=("version",),
    ),
    Recipe(
        module="gitops",
        programs=(("gitops-judge", "gemma4.dev/tests/cluster/modules/gitops"),),
        ldflags=_STRIP,
        minutes=2,
        for_tests_only=True,
    ),
)


def recipe_of(program: str) -> Recipe:
    """Returns the recipe that makes a program."""
    for recipe in RECIPES:
        if program in recipe.names:
            return recipe
    known = ", ".join(name for recipe in RECIPES for name in recipe.names)
    raise ValueError(f"no recipe makes {program!r}; known are {known}")
