"""Takes a batch apart whose whole no reader takes: each of its events is then judged alone."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import msgspec

from commands.shop.refusals import BrokenJson, TooMany

_TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_TOKENS: Final = re.compile(_TEXT.pattern + rb"|[{[]+|[]}]+|,", re.DOTALL)
_JSON: Final = msgspec.json.Decoder(msgspec.Raw)


def fields_of(raw: bytes) -> dict[str, bytes]:
    """Return the fields of a JSON object as they came, however deep they go. Raises BrokenJson."""
    fields = {}
    for part in _parts(raw, b"{", b"}"):
        name = _TEXT.match(part)
        rest = part[name.end() :].lstrip() if name else b""
        if name is None or rest[:1] != b":":
            raise BrokenJson
        fields[loosely(name[0])] = rest[1:].strip()
    return fields


def items_of(raw: bytes, most: int) -> list[bytes]:
    """Return the items of a JSON list as they came, however deep they go.

    Raises TooMany, or BrokenJson when one of them is none: where it ends is then a guess. What goes
    too deep to be read is not looked into.
    """
    items = list(_parts(raw, b"[", b"]"))
    if len(items) > most:
        raise TooMany(limit=most, count=len(items))
    for item in items:
        with suppress(RecursionError):
            try:
                _JSON.decode(item)
            except ValueError:
                loosely(item)
    return items


def loosely(raw: bytes) -> Any:
    """Read JSON with what some languages write: NaN, half characters, numbers without end.

    Raises BrokenJson, RecursionError for what goes too deep.
    """
    try:
        return json.loads(raw, parse_int=float)
    except ValueError as error:
        raise BrokenJson from error


def _parts(raw: bytes, first: bytes, last: bytes) -> Iterator[bytes]:
    """Yield what stands between the commas of an object or a list. Raises BrokenJson."""
    raw = raw.strip()
    if raw[:1] != first or raw[-1:] != last or len(raw) == 1:
        raise BrokenJson
    depth, begin, end = 0, 1, len(raw) - 1
    for token in _TOKENS.finditer(raw, 1, end):
        match raw[token.start()]:
            case 0x5B | 0x7B:  # [ {
                depth += token.end() - token.start()
            case 0x5D | 0x7D:  # ] }
                depth -= token.end() - token.start()
                if depth < 0:
                    raise BrokenJson
            case 0x2C if not depth:  # ,
                yield _some(raw[begin : token.start()])
                begin = token.end()
    if depth:
        raise BrokenJson
    if begin > 1 or raw[1:end].strip():
        yield _some(raw[begin:end])


def _some(part: bytes) -> bytes:
    part = part.strip()
    if not part:
        raise BrokenJson
    return part
