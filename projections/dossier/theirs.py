"""What of a refused message is somebody's own: of several events theirs alone."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

Names = Callable[[bytes], bool]
"""Tells whether a part of a message names somebody."""

_WHOLE: Final = "/v1/batch"
"""Where a batch stood that was refused whole."""
_TORN: Final = "torn-record"
"""Why a record of Kafka's was refused that may be a whole batch of them."""
_SEVERAL: Final = re.compile(rb'\A\s*\[|\}\s*\{|"batch"\s*:|\\u00[67]')
"""What is no JSON may hold events of others: a list, lines, a batch, letters told by number."""
_DEEPEST: Final = 8
"""Lists and batches that may lie within one another."""

_decode: Final = msgspec.json.Decoder(msgspec.Raw).decode
_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_events: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode: Final = msgspec.json.Encoder().encode


def theirs(message: bytes, names_them: Names, *, place: str | None, reason: str) -> bytes | None:
    """Return what a message that names somebody says of them; None where others cannot be left out.

    `place`: where the message stood; `reason`: the code for which it was refused.
    """
    try:
        part = _part(_decode(message), names_them, _DEEPEST)
    except (ValueError, RecursionError):  # no JSON; or a name in it is no text
        several = place == _WHOLE or reason == _TORN or _SEVERAL.search(message)
        return None if several else message
    return None if part is None else bytes(part)


def _part(told: msgspec.Raw, names_them: Names, depth: int) -> msgspec.Raw | None:
    """Return their part of what was told, all of it where it is of one event."""
    fields = _fields(told) if _begins(told, b"{") else {}
    events = fields.get("batch", msgspec.Raw()) if fields else told
    if not _begins(events, b"["):
        return told
    if not depth:
        return None
    parts = _events(events)
    named = [part for part in parts if names_them(bytes(part))]
    if not named and len(parts) > 1:
        return None  # what they share names them, each of them may be another's
    kept = [_part(part, names_them, depth - 1) for part in named or parts]
    if any(part is None for part in kept):
        return None
    return msgspec.Raw(_encode({**fields, "batch": kept} if fields else kept))


def _begins(told: msgspec.Raw, sign: bytes) -> bool:
    return bytes(told).lstrip().startswith(sign)
