"""The topic of facts: rows of the log as CloudEvents in Kafka's binary mode, and back.

A record's value is the body as it is stored, personal fields sealed; everything else is headers.
A watermark has type `huike.watermark` and no body: this slot has nothing more up to its position.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

WATERMARK: Final = "huike.watermark"

_LAST: Final = 2**63 - 1

Header = tuple[str, bytes]
Row = tuple[Any, ...]
"""The columns of `infra.event_store.codec.COLUMNS`."""


class Record(msgspec.Struct, frozen=True):
    """What a record says: the row (None: a watermark), and where it stands in its slot."""

    row: Row | None
    position: int
    previous: int
    clock: datetime
    incarnation: str


def headers_of(row: Row, previous: int, incarnation: str) -> list[Header]:
    """Return a fact's headers. `previous`: the position of the slot's record before it."""
    told = {
        "ce_specversion": "1.0",
        "ce_id": f"{incarnation}/{row[0]}",
        "ce_source": f"/huike/{row[5]}/{row[6]}",
        "ce_type": f"huike.{row[3]}",
        "ce_time": row[9].isoformat(),
        "ce_subject": row[8] or row[1],
        "ce_position": row[0],
        "ce_previous": previous,
        "ce_incarnation": incarnation,
        "ce_stream": row[1],
        "ce_streamversion": row[2],
        "ce_typeversion": row[4],
        "ce_shop": row[5],
        "ce_shopsource": row[6],
        "ce_origin": row[7],
        "ce_customer": row[8],
        "ce_recordedtime": row[10].isoformat(),
        "ce_actorkind": row[11],
        "ce_actorid": row[12],
        "ce_correlation": row[13] or None,
        "ce_causation": row[14],
        "content-type": "application/json",
    }
    return [(name, str(value).encode()) for name, value in told.items() if value is not None]


def watermark(position: int, previous: int, clock: datetime, incarnation: str) -> list[Header]:
    """Return the headers that tell a slot's followers that nothing more comes up to `position`."""
    told = {
        "ce_specversion": "1.0",
        "ce_id": f"{incarnation}/{position}/watermark",
        "ce_source": "/huike",
        "ce_type": WATERMARK,
        "ce_time": clock.isoformat(),
        "ce_position": position,
        "ce_previous": previous,
        "ce_incarnation": incarnation,
    }
    return [(name, str(value).encode()) for name, value in told.items()]


def record_of(headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> Record:
    """Return what a record of the topic says. Raises KeyError, ValueError for what is not one."""
    told = {name: raw.decode() for name, raw in headers if raw is not None}
    position, previous = int(told["ce_position"]), int(told["ce_previous"])
    if not 0 <= previous <= position <= _LAST:
        msg = "no positions of a slot"
        raise ValueError(msg)
    if told["ce_type"] == WATERMARK:
        clock = _instant(told["ce_time"])
        return Record(None, position, previous, clock, told["ce_incarnation"])
    recorded_at = _instant(told["ce_recordedtime"])
    row = (
        position,
        UUID(told["ce_stream"]),
        int(told["ce_streamversion"]),
        told["ce_type"].removeprefix("huike."),
        int(told["ce_typeversion"]),
        told["ce_shop"],
        told["ce_shopsource"],
        _uuid(told.get("ce_origin")),
        _uuid(told.get("ce_customer")),
        _instant(told["ce_time"]),
        recorded_at,
        told["ce_actorkind"],
        told["ce_actorid"],
        told.get("ce_correlation", ""),
        _uuid(told.get("ce_causation")),
        value or b"",
    )
    return Record(row, position, previous, recorded_at, told["ce_incarnation"])


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = "a time without a zone"
        raise ValueError(msg)
    return moment


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
