"""A dossier as JSON, written as its facts are read: of a story of any length little is held."""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Final

import msgspec

from projections.dossier.known import Known
from projections.dossier.lines import SECTIONS, Line

Story = Callable[[str], Iterable[Line]]
"""Gives the facts of a section, in order."""

_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
_AT_ONCE: Final = 65_536


def as_json(
    known: Known, story: Story, originals: Iterable[Any] | None
) -> Generator[bytes, None, None]:
    """Yield one JSON object; `originals` None: they were not asked for."""
    chunk = bytearray()
    for part in _parts(known, story, originals):
        chunk += part
        if len(chunk) >= _AT_ONCE:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def _parts(known: Known, story: Story, originals: Iterable[Any] | None) -> Iterator[bytes]:
    yield _encode(known)[:-1] + b',"facts":'
    before = b"{"
    for section in SECTIONS:
        yield before + _encode(section) + b":"
        yield from _list(story(section))
        before = b","
    yield b"}"
    if originals is not None:
        yield b',"originals":'
        yield from _list(originals)
    yield b"}"


def _list(items: Iterable[Any]) -> Iterator[bytes]:
    before = b"["
    for item in items:
        yield before + _encode(item)
        before = b","
    yield b"[]" if before == b"[" else b"]"
