"""The operator, run as a module in its place, which tells again of what it has told a second ago."""

import sys

from gemma4_operator.__main__ import main
from gemma4_operator.kube import events

if __name__ == "__main__":
    events.REPEAT_SECONDS = 1.0
    sys.exit(main([]))
