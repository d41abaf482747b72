"""`python -m gemma4_operator`: read the settings, run, and end with one sentence if that cannot be.

With the word `checkup` it says instead whether another process of the same settings does its work.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from gemma4_operator.kube.connect import NoCredentials
from gemma4_operator.kube.errors import LeadershipLost
from gemma4_operator.runtime.app import WatchesEnded, run
from gemma4_operator.runtime.checkup import NotWell, checkup
from gemma4_operator.runtime.files import raise_limit
from gemma4_operator.runtime.logs import configure
from gemma4_operator.runtime.settings import SettingsError, from_environment, unknown_variables


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 0 after a stop that was asked for, 1 otherwise, 2 for settings that cannot be."""
    if arguments not in ([], ["checkup"]):
        sys.stderr.write(
            f"The arguments are '{' '.join(arguments)}'; there must be none, or `checkup` alone. "
            "This is the operator itself; its command line is `gemma4`.\n"
        )
        return 2
    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure(level=settings.log_level, log_format=settings.log_format)
    log = logging.getLogger("gemma4_operator")
    for name in unknown_variables(os.environ):
        log.warning("%s is no setting of this operator and is ignored.", name)
    try:
        if arguments:
            sys.stdout.write(f"{asyncio.run(checkup(settings))}\n")
        else:
            raise_limit()
            asyncio.run(run(settings))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    except (NoCredentials, LeadershipLost, WatchesEnded, NotWell) as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
