"""Which binary the test cluster takes, and how it names what it builds."""

import dataclasses
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.cluster import binaries, builder
from tests.cluster.errors import ClusterError
from tests.cluster.recipes import RECIPES, Recipe, recipe_of


def script(path: Path, prints: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    folder = tmp_path / "modules" / "tiny"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module gemma4.dev/tiny\n\ngo 1.20\n")
    (folder / "go.sum").write_text("")
    (folder / "main.go").write_text("package main\n\nfunc main() {}\n")
    monkeypatch.setattr("tests.cluster.recipes._MODULES", tmp_path / "modules")
    return Recipe(module="tiny", programs=(("tiny", "gemma4.dev/tiny"),), ldflags="-s", minutes=0.1)


class TestSearchOrder:
    def test_assets_come_before_path(self, tmp_path: Path) -> None:
        chosen = script(tmp_path / "assets" / "kubectl", "Client Version: v1.20.0")
        script(tmp_path / "path" / "kubectl", "Client Version: v1.36.1")
        environ = {"KUBEBUILDER_ASSETS": str(tmp_path / "assets"), "PATH": str(tmp_path / "path")}
        assert binaries.find_ready("kubectl", environ=environ) == chosen

    def test_assets_without_the_program_are_passed_over(self, tmp_path: Path) -> None:
        found = script(tmp_path / "path" / "etcd", "etcd Version: 3.5.0")
        environ = {"KUBEBUILDER_ASSETS": str(tmp_path / "assets"), "PATH": str(tmp_path / "path")}
        assert binaries.find_ready("etcd", environ=environ) == found

    @pytest.mark.parametrize("version", ["v1.32.4", "v1.35.9", "v1.360.0", "v11.36.0"])
    def test_another_kubectl_on_path_is_not_used(self, tmp_path: Path, version: str) -> None:
        script(tmp_path / "kubectl", f"Client Version: {version}")
        assert binaries.find_ready("kubectl", environ={"PATH": str(tmp_path)}) is None

    def test_a_fitting_kubectl_behind_an_old_one_is_found(self, tmp_path: Path) -> None:
        script(tmp_path / "old" / "kubectl", "Client Version: v1.32.4")
        good = script(tmp_path / "new" / "kubectl", "Client Version: v1.36.0")
        assert binaries.find_ready("kubectl", environ={"PATH": f"{tmp_path}/old:{tmp_path}/new"}) == good

    def test_a_kubectl_that_cannot_say_its_version_is_not_used(self, tmp_path: Path) -> None:
        broken = script(tmp_path / "kubectl", "")
        broken.write_text("#!/bin/sh\nexit 1\n")
        assert binaries.find_ready("kubectl", environ={"PATH": str(tmp_path)}) is None

    def test_kubectl_is_asked_for_its_own_version_only(self, tmp_path: Path) -> None:
        command = recipe_of("kubectl").version_command(tmp_path / "kubectl")
        assert command[1:] == ["version", "--client"]

    def test_built_programs_come_from_the_cache(
        self, tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(binaries, "RECIPES", (recipe,))
        monkeypatch.setattr(binaries, "recipe_of", lambda _: recipe)
        monkeypatch.setattr(builder, "go_version", lambda _: "go1.26.8")
        cached = tmp_path / "gemma4-operator" / "bin" / recipe.key("go1.26.8")
        cached.mkdir(parents=True)
        environ = {"XDG_CACHE_HOME": str(tmp_path), "PATH": ""}
        assert binaries.locate("tiny", environ=environ) == {"tiny": cached / "tiny"}

    def test_the_cache_is_below_home_by_default(self) -> None:
        expected = Path("/home/somebody/.cache/gemma4-operator/bin")
        assert binaries.cache_root(environ={"HOME": "/home/somebody"}) == expected

    def test_unknown_programs_are_named(self) -> None:
        with pytest.raises(ValueError, match="no recipe makes 'kubeadm'"):
            recipe_of("kubeadm")


class TestKey:
    def test_has_the_documented_form(self) -> None:
        for recipe in RECIPES:
            module, _, digest = recipe.key("go1.26.8").rpartition("-")
            assert module == recipe.module
            assert len(digest) == 12
            assert set(digest) <= set("0123456789abcdef")

    @pytest.mark.parametrize("name", ["go.mod", "go.sum", "main.go", "new.go"])
    def test_follows_the_module_files(self, recipe: Recipe, name: str) -> None:
        before = recipe.key("go1.26.8")
        (recipe.folder / name).write_text("module other\n")
        assert recipe.key("go1.26.8") != before

    def test_follows_flags_and_go(self, recipe: Recipe) -> None:
        keys = {
            recipe.key("go1.26.8"),
            recipe.key("go1.26.9"),
            dataclasses.replace(recipe, ldflags="-s -w").key("go1.26.8"),
            dataclasses.replace(recipe, programs=(("tiny", "gemma4.dev/other"),)).key("go1.26.8"),
        }
        assert len(keys) == 4

    def test_does_not_follow_what_changes_no_binary(self, recipe: Recipe) -> None:
        assert dataclasses.replace(recipe, minutes=99).key("go1") == recipe.key("go1")


class TestGo:
    def test_is_missed_in_a_sentence(self, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(ClusterError, match=r"^Go is not installed, .*install Go 1\.20 or newer"):
            builder.go_version(recipe)

    @pytest.mark.parametrize("have", ["go1.19.8", "go1.9"])
    def test_too_old_is_said_in_a_sentence(
        self, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, have: str
    ) -> None:
        script(tmp_path / "bin" / "go", have)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
        with pytest.raises(ClusterError, match=rf"need Go 1\.20 or newer to build, and this is {have}\.$"):
            builder.go_version(recipe)

    def test_new_enough_is_taken(self, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        script(tmp_path / "bin" / "go", "go1.100.0")
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
        assert builder.go_version(recipe) == "go1.100.0"

    def test_a_proxy_out_of_reach_is_said_in_a_sentence(
        self, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go = script(tmp_path / "bin" / "go", "")
        go.write_text(
            "#!/bin/sh\n[ $1 = env ] && echo go1.26.8 && exit\n"
            "echo 'go: https://proxy.golang.org/x: dial tcp: lookup proxy.golang.org: no such host' >&2; exit 1\n"
        )
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
        with pytest.raises(ClusterError, match=r"sources of tiny cannot be downloaded .*no such host.*GOPROXY"):
            builder.ensure([recipe], cache=tmp_path / "cache")
        assert [path.name for path in (tmp_path / "cache").iterdir()] == [".tiny.lock"]


FAKE_GO = """\
#!/bin/sh
if [ "$1" = env ]; then echo go1.26.8; exit; fi
while [ "$1" != -o ]; do shift; done
echo built >> "$(dirname "$0")/built"
sleep 0.5
echo fake > "$2"
"""


class TestBuild:
    @pytest.fixture
    def go(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        go = script(tmp_path / "bin" / "go", "")
        go.write_text(FAKE_GO)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
        return go

    def test_says_how_long_it_will_take_and_took(
        self, go: Path, recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folders = builder.ensure([recipe], cache=tmp_path / "cache")
        assert (folders["tiny"] / "tiny").read_text() == "fake\n"
        told = capsys.readouterr().err
        assert "about 0.1 min on 2 cores" in told
        assert "[1/1] tiny: done in " in told

    def test_is_done_once_by_parallel_processes(self, go: Path, recipe: Recipe, tmp_path: Path) -> None:
        code = textwrap.dedent(f"""
            from pathlib import Path
            from tests.cluster import builder, recipes
            recipes._MODULES = Path({str(recipe.folder.parent)!r})
            builder.ensure([recipes.{recipe!r}], cache=Path({str(tmp_path / "cache")!r}))
        """)
        running = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) for _ in range(3)]
        assert [process.wait(120) for process in running] == [0, 0, 0]
        assert (go.parent / "built").read_text().count("built") == 1

    @pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
    def test_really_builds(self, recipe: Recipe, tmp_path: Path) -> None:
        folders = builder.ensure([recipe], cache=tmp_path / "cache")
        assert subprocess.run([folders["tiny"] / "tiny"], check=False).returncode == 0
