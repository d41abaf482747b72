"""What is told of a row that lacks a value: that it does, and not that None is no number."""

import re

from gemma4_operator.sim.invalid import InvalidTrace
from gemma4_operator.sim.rows import csv_rows, json_rows

_NONE = re.compile(r"(?P<place>.*): `(?P<key>\w+)` must be .*, and is 'None'", re.DOTALL)


def told(error: InvalidTrace, text: str, *, where: str) -> InvalidTrace:
    """Return what to say of a file that cannot be used: the error itself, unless its row lacks what it names.

    Args:
        error: As the reader of the rows has it.
        text: The whole file.
        where: Its name, as in the error.
    """
    named = _NONE.fullmatch(str(error))
    if named is None:
        return error
    place, key = named["place"], named["key"]
    is_json = text.lstrip().startswith("{")
    # The reader came as far as this row, so that it can be read once more until there.
    row = next(row for row in (json_rows if is_json else csv_rows)(text, where) if row.where == place)
    if key not in row.values:
        return InvalidTrace(f"{place}: must have `{key}`, and has {','.join(map(str, row.values)) or 'nothing'}")
    if row.values[key] is None and not is_json:
        return InvalidTrace(f"{place}: has too few columns: there must be {len(row.values)} as in the first line")
    return error
