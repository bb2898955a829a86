"""A row of the log read from its canonical bytes, as an auditor would without a database."""

import base64
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from infra.event_store.codec import COLUMNS

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NAMES: Final = COLUMNS.split(", ")
_LENGTH: Final = struct.Struct("!i")


class NotARow(ValueError):
    """These bytes are no row of the log."""


def unpacked(row: bytes) -> dict[str, Any]:
    """Return a fact's columns by name, and its body as JSON has it. Raises NotARow."""
    try:
        values = _values(row)
        return {name: None if v is None else _READ[name](v) for name, v in values.items()}
    except (struct.error, ValueError, OverflowError):
        raise NotARow(NotARow.__doc__) from None


def _values(row: bytes) -> dict[str, bytes | None]:
    if row[:2] != len(_NAMES).to_bytes(2):
        raise NotARow
    at, values = 2, dict[str, bytes | None]()
    for name in _NAMES:
        (size,) = _LENGTH.unpack_from(row, at)
        at += _LENGTH.size
        values[name] = None if size == -1 else row[at : at + size]
        at += max(size, 0)
        if size < -1 or at > len(row):
            raise NotARow
    if at != len(row):
        raise NotARow
    return values


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, signed=True)


def _uuid(raw: bytes) -> str:
    return str(UUID(bytes=raw))


def _moment(raw: bytes) -> str:
    return (_EPOCH + timedelta(microseconds=_number(raw))).isoformat()


def _body(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return {"bytes": base64.b64encode(raw).decode()}


_READ: Final[Mapping[str, Callable[[bytes], Any]]] = {
    **dict.fromkeys(("position", "version", "type_version"), _number),
    **dict.fromkeys(("stream", "origin", "subject", "causation"), _uuid),
    **dict.fromkeys(("type", "shop", "source"), bytes.decode),
    **dict.fromkeys(("actor_kind", "actor_id", "correlation"), bytes.decode),
    **dict.fromkeys(("occurred_at", "recorded_at"), _moment),
    "body": _body,
}
