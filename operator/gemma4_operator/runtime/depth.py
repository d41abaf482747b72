"""How deep JSON may be nested: the API server stores 10,000 levels, and Python as it comes reads 1,000.

One object of more levels in a listing, and nothing of the listing can be read: neither here nor in kopf. So one author
could blind the operator to the resources of all others.
"""

import json
import sys

LEVELS = 10_000
"""What Go's decoder takes, and with it the API server."""
_FRAMES = 2**15


def deepen() -> bool:
    """Let this process read JSON as deep as the API server stores it; return whether this Python can.

    CPython 3.12 and 3.13 have limits of their own in C, of some 1,500 and just under 10,000, which nothing raises.
    """
    sys.setrecursionlimit(_FRAMES)
    try:
        json.loads("[" * LEVELS + "]" * LEVELS)
    except RecursionError:
        return False
    return True
