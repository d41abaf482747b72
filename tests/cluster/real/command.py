"""A real node for a person: ``python -m tests.cluster node``, as root, joins a cluster and stays until told to go."""

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.node import RealNode
from tests.cluster.real import once, record
from tests.cluster.real.bridge import Bridge, adopt, create_bridge, require_root
from tests.cluster.real.cleaning import clean_leftovers

_EPILOG = """\
example, with pods that can call the API server:
  python -m tests.cluster up --bind-address "$(python -m tests.cluster node --bridge)"
  python -m tests.cluster node
  python -m tests.cluster node --remove
"""


def main(arguments: Sequence[str]) -> int:
    """Acts, and says in one sentence what went wrong; returns an exit code."""
    # Run as a program, that module has another name here, and is read a second time: it is small.
    from tests.cluster.__main__ import clusters_root

    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster node",
        description=__doc__.partition("\n")[0],
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cluster", default="local", help="the cluster to join, by its name (default: %(default)s)")
    parser.add_argument("--name", default="real-0", help="the node's name (default: %(default)s)")
    parser.add_argument("--gpus", type=int, default=1, help="how many GPUs it says to have (default: %(default)s)")
    parser.add_argument(
        "--import", dest="archives", action="append", default=[], type=Path, metavar="TAR", help="an image"
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--bridge", action="store_true", help="only make the bridge and print its address, for: up --bind-address"
    )
    other.add_argument("--remove", action="store_true", help="end the node and remove all traces of it")
    options = parser.parse_args(arguments)
    try:
        _act(options, directory=clusters_root() / options.cluster)
    except (ClusterError, TimeoutError) as error:
        once.say(str(error))
        return 1
    return 0


def _act(options: argparse.Namespace, *, directory: Path) -> None:
    if options.bridge:
        print((_standing_bridge() or create_bridge(guarded=False)).gateway)
    elif options.remove:
        once.say("the real node is gone" if remove_standing() else "there is no real node")
    else:
        cluster = Cluster.attach(directory)
        bridge = _standing_bridge()
        node = RealNode.start(cluster=cluster, name=options.name, gpus=options.gpus, bridge=bridge, guarded=False)
        for archive in options.archives:
            node.import_image(archive)
        once.say(f"node {node.name} is Ready; end it with: python -m tests.cluster node --remove")


def _standing_bridge() -> Bridge | None:
    """Returns the bridge that an earlier command has made for a node that is still to come."""
    clean_leftovers()
    found = record.read() if os.geteuid() == 0 else None
    return adopt(found) if found and not found.guarded and not found.node else None


def remove_standing() -> bool:
    """Removes the node, or bridge alone, that was made to stay; says whether there was one."""
    require_root()
    clean_leftovers()
    found = record.read()
    if found is None:
        return False
    if found.guarded:
        raise ClusterError(f"The real node belongs to process {found.owner.pid}, and ends with it: end that one.")
    with contextlib.suppress(ClusterError):
        RealNode.attach().stop()
    adopt(found).close()
    return True
