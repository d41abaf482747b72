"""A local Kubernetes for a person: ``python -m tests.cluster up``, then kubectl, helm and the operator as usual."""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.cluster import binaries
from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.real.cleaning import clean_leftovers
from tests.cluster.recipes import RECIPES
from tests.cluster.runtime import clusters

_DEFAULT_NAME = "local"
_EPILOG = """\
example:
  python -m tests.cluster up --fake-nodes 4
  export KUBECONFIG=...          (the line that "up" prints)
  kubectl get nodes
  python -m tests.cluster down

Needs Linux and openssl, and for the first start Go and about 13 minutes to build Kubernetes from source; the
programs are then kept in ~/.cache/gemma4-operator/bin. KUBEBUILDER_ASSETS may name a folder that has them.
"""


def clusters_root() -> Path:
    """Returns where the clusters of people (not of tests) are kept."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "gemma4-operator" / "clusters"


def up(options: argparse.Namespace) -> None:
    directory = clusters_root() / options.name
    if directory in clusters(clusters_root()):
        cluster = Cluster.attach(directory)
        if all(cluster.programs().values()):
            _say(f"cluster {options.name} is running already; its fake nodes are as they were")
            _print_export(cluster)
            return
        cluster.stop()
    shutil.rmtree(directory, ignore_errors=True)
    directory.parent.mkdir(parents=True, exist_ok=True)
    cluster = Cluster.start(name=options.name, root=directory.parent, bind_address=options.bind_address, guarded=False)
    if options.fake_nodes:
        try:
            cluster.add_fake_nodes(options.fake_nodes)
        except BaseException:
            cluster.stop()
            raise
    _say(f"cluster {options.name} runs at {cluster.server}; end it with: python -m tests.cluster down {_flag(options)}")
    _print_export(cluster)


def _flag(options: argparse.Namespace) -> str:
    return "" if options.name == _DEFAULT_NAME else f"--name {options.name}"


def _print_export(cluster: Cluster) -> None:
    # Alone on stdout, so that eval "$(python -m tests.cluster up)" works.
    print(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")


def down(options: argparse.Namespace) -> None:
    directory = clusters_root() / options.name
    if (node := clean_leftovers(cluster=directory)) is not None:
        _say(f"real node {node} is gone")
    Cluster.attach(directory).stop()
    shutil.rmtree(directory, ignore_errors=True)
    _say(f"cluster {options.name} has ended")


def status(_: argparse.Namespace) -> None:
    found = clusters(clusters_root())
    for directory in found:
        cluster = Cluster.attach(directory)
        dead = [name for name, alive in cluster.programs().items() if not alive]
        state = f"broken, ended by itself: {', '.join(dead)}" if dead else "running"
        print(f"{cluster.name}\t{state}\t{cluster.server}\t{cluster.kubeconfig}")
    if not found:
        print("no cluster runs")


def build(_: argparse.Namespace) -> None:
    names = [name for recipe in RECIPES for name in recipe.names]
    for name, path in binaries.locate(*names).items():
        print(f"{name}\t{path}")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m tests.cluster",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, action: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(action=action)
        return added

    starting = command("up", up, "start a cluster that keeps running, and print the line that selects it")
    ending = command("down", down, "end a cluster and remove its data")
    command("status", status, "list the clusters that were started with 'up'")
    command("build", build, "get all programs (found, or built from source) and print where they are")
    commands.add_parser("node", help="join this machine as a real node; see 'node --help'", add_help=False)
    for each in (starting, ending):
        each.add_argument("--name", default=_DEFAULT_NAME, help="which cluster (default: %(default)s)")
    starting.add_argument("--fake-nodes", type=int, default=4, metavar="N", help="fake nodes of 8 H100 (default: 4)")
    starting.add_argument(
        "--bind-address", default="127.0.0.1", help="where the API server listens (default: %(default)s)"
    )
    return top


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["node"]:
        # Imported only here: it needs root and packages that nobody else does.
        from tests.cluster import node

        return int(node.main(list(arguments[1:])) or 0)
    options = parser().parse_args(arguments)
    try:
        options.action(options)
    except (ClusterError, TimeoutError) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _say(text: str) -> None:
    print(f"test cluster: {text.strip()}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
