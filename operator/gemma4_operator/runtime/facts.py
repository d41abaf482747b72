"""The catalogue that this process plans with: the built-in one, under what a team knows better."""

import logging
from pathlib import Path

from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.catalog.overrides import override

log = logging.getLogger(__name__)


def known(catalog_file: str) -> tuple[Catalog, tuple[str, ...]]:
    """Return the catalogue, and a sentence for each entry of the file that is not used.

    Args:
        catalog_file: A YAML file to merge over the built-in catalogue; empty: none. One that cannot be read counts as
            one entry that is not used, since a missing file must not keep running models from being looked after.
    """
    catalog = builtin_catalog()
    if not catalog_file:
        return catalog, ()
    try:
        text = Path(catalog_file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return catalog, (f"{catalog_file}: must be a file that can be read: {error}",)
    return override(catalog, text)


def report(faults: tuple[str, ...]) -> None:
    """Log what is not used."""
    for fault in faults:
        log.warning("The catalogue's override is not used in full: %s", fault)
