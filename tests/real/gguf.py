"""Gives a GGUF file a chat template: the small weights come without one, and engines treat Gemma 4 by its template."""

import mmap
import struct
from pathlib import Path

_KEY = b"tokenizer.chat_template"
_STRING, _ARRAY = 8, 9
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of each kind of value that is neither a string nor an array."""
_HEADER = struct.Struct("<4sIQQ")
_ALIGNMENT = 32
"""The format's own; files may set another, and these weights do not."""


def with_chat_template(source: Path, target: Path, template: str) -> None:
    """Writes the same weights with a template to ``target``."""
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        magic, version, tensors, values = _HEADER.unpack_from(data)
        assert magic == b"GGUF"
        values_end = _HEADER.size
        for _ in range(values):
            values_end = _after_value(data, values_end)
        header_end = values_end
        for _ in range(tensors):
            header_end = _after_tensor(data, header_end)
        text = template.encode()
        entry = _string(_KEY) + struct.pack("<I", _STRING) + _string(text)
        header = _HEADER.pack(magic, version, tensors, values + 1)
        header += data[_HEADER.size : values_end] + entry + data[values_end:header_end]
        with target.open("wb") as out:
            out.write(header.ljust(_aligned(len(header)), b"\0"))
            out.write(data[_aligned(header_end) :])


def _after_value(data: mmap.mmap, start: int) -> int:
    length = _integer(data, "<Q", start)
    assert data[start + 8 : start + 8 + length] not in (_KEY, b"general.alignment")
    at = start + 8 + length
    return _after(data, at + 4, _integer(data, "<I", at))


def _after(data: mmap.mmap, at: int, kind: int) -> int:
    if kind == _STRING:
        return at + 8 + _integer(data, "<Q", at)
    if kind != _ARRAY:
        return at + _WIDTHS[kind]
    inner, count = _integer(data, "<I", at), _integer(data, "<Q", at + 4)
    at += 12
    if inner in _WIDTHS:
        return at + count * _WIDTHS[inner]
    for _ in range(count):
        at = _after(data, at, inner)
    return at


def _after_tensor(data: mmap.mmap, start: int) -> int:
    """A tensor is its name, its dimensions, its kind and where its numbers begin."""
    at = start + 8 + _integer(data, "<Q", start)
    return at + 4 + 8 * _integer(data, "<I", at) + 4 + 8


def _integer(data: mmap.mmap, form: str, at: int) -> int:
    (value,) = struct.unpack_from(form, data, at)
    return value


def _string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
