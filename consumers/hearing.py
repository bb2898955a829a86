"""A record heard: whose it is, what it says, and its facts on their way to the log.

Whose a record is, its headers say: `huike-shop`, `huike-source`, `huike-currency`, and
`huike-system: true` for what a machine of the shop reports. Without them it is of the shop and
currency of the settings, and of the source `kafka`.
"""

from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from commands.shop import NotTaken, Sent, translate
from commands.shop.clear import Clear
from commands.shop.contract import Door
from commands.shop.record import Record, message_of
from commands.shop.refusals import NotRecorded
from domain.shared.ids import Ids
from domain.shared.log import Actor, Log, Receipt
from domain.shared.money import CURRENCIES
from infra import clock
from infra.settings import Settings

SOURCE: Final = "kafka"

log = structlog.get_logger()

_HEADER_CHARACTERS: Final = 100

_OLDEST: Final = timedelta(days=30)
"""A record older than that has its time from elsewhere; the topic keeps nothing for so long."""


class Heard(msgspec.Struct, frozen=True):
    """A record, whose it is, the message in it, and what the log is going to answer."""

    record: Record
    door: Door
    sent: Sent
    answer: "Future[Receipt] | NotTaken"


class Ear:
    """Translates records and queues them for the log."""

    def __init__(self, settings: Settings, event_log: Log, ids: Ids) -> None:
        self._settings = settings
        self._log = event_log
        self._ids = ids
        self._clear = Clear(
            properties=frozenset(settings.clear_properties), traits=frozenset(settings.clear_traits)
        )
        self._actor = Actor(kind="system", id=settings.kafka_topic_in)

    def hear(self, record: Record) -> Heard:
        """Queue a record's facts, or say why they are none."""
        door = self.door(record)
        sent = Sent(raw=record.value, message_id=record.fingerprint)
        try:
            sent = message_of(record)
            append = translate(sent, door, self._ids)
        except NotTaken as refusal:
            return Heard(record, door, sent, refusal)
        except Exception:  # a mistake of ours: it would be made again whenever the record comes
            log.exception("shop.not-translated", place=record.place)
            return Heard(record, door, sent, NotRecorded())
        return Heard(record, door, sent, self._log.submit(append))

    def door(self, record: Record) -> Door:
        """Return whose a record is. It was received when Kafka had it, by its own clock."""
        headers = record.headers
        currency = (_word(headers, "huike-currency") or "").upper()
        return Door(
            shop=_word(headers, "huike-shop") or self._settings.shop,
            source=_word(headers, "huike-source") or SOURCE,
            actor=self._actor,
            received_at=_received(record.time, clock.now()),
            currency=currency if currency in CURRENCIES else self._settings.currency,
            system=headers.get("huike-system", "").lower() == "true",
            clear=self._clear,
            correlation=record.place,
        )


def record_of(raw: Any, topic: str, partition: int) -> Record:
    """Return a record in our words."""
    headers = {
        name.lower(): value.decode(errors="replace")
        for name, value in raw.headers or ()
        if value is not None
    }
    return Record(
        topic=topic,
        partition=partition,
        offset=raw.offset,
        time=raw.timestamp or 0,
        headers=headers,
        value=raw.value or b"",
    )


def _word(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header that can be a name, None for one that is missing or cannot."""
    value = headers.get(name, "").strip()
    return value if value.isprintable() and 0 < len(value) <= _HEADER_CHARACTERS else None


def _received(milliseconds: int, now: datetime) -> datetime:
    """Return when Kafka had a record; now, where its own time cannot be."""
    try:
        received = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return now
    return received if now - _OLDEST < received <= now else now
