"""Reads the files that hold traces, packed or not."""

import gzip
from pathlib import Path
from zlib import error as zlib_error

from gemma4_operator.sim.invalid import InvalidTrace


def text_of(path: Path) -> str:
    """Return what a file holds, unpacked if its name ends in .gz. Raises InvalidTrace."""
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except UnicodeDecodeError as error:
        raise InvalidTrace(f"{path}: must be CSV or JSON lines, and is not even UTF-8 text") from error
    except (OSError, EOFError, zlib_error) as error:
        reason = getattr(error, "strerror", None) or "it is not what gzip makes"
        raise InvalidTrace(f"{path}: must be a file that can be read: {reason}") from error
