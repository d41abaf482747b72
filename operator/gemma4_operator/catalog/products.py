"""Names of GPUs: the node label's value without what sharing and slicing add to it."""

import re

_SUFFIX = re.compile(r"(-SHARED|-MIG-[0-9a-z.+]+)+$", re.IGNORECASE)


def normalized(product: str) -> str:
    """Return a product's name for comparison: no -SHARED, no -MIG-3g.40gb, lower case."""
    return _SUFFIX.sub("", product).lower()
