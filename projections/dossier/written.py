"""A dossier as JSON, written as its facts are read: of a story of any length little is held."""

from collections.abc import Generator, Iterable, Iterator
from typing import Any, Final

import msgspec

from projections.dossier.lines import SECTIONS
from projections.dossier.making import Dossier

_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
_AT_ONCE: Final = 65_536


def as_json(made: Dossier, *, originals: bool) -> Generator[bytes, None, None]:
    """Yield one JSON object; with `originals` it holds messages as they were sent."""
    chunk = bytearray()
    for part in _parts(made, originals=originals):
        chunk += part
        if len(chunk) >= _AT_ONCE:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def _parts(made: Dossier, *, originals: bool) -> Iterator[bytes]:
    yield _encode(made.known)[:-1] + b',"erasures":'
    yield from _list(made.erasures)
    yield b',"facts":'
    before = b"{"
    for section in SECTIONS:
        yield before + _encode(section) + b":"
        yield from _list(made.story(section))
        before = b","
    yield b'},"refused":'
    yield from _list(made.refused())
    yield b',"reads":'
    yield from _list(made.reads())
    if originals:
        yield b',"originals":'
        yield from _list(made.originals())
    yield b"}"


def _list(items: Iterable[Any]) -> Iterator[bytes]:
    before = b"["
    for item in items:
        yield before + _encode(item)
        before = b","
    yield b"[]" if before == b"[" else b"]"
