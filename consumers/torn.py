"""Records that Kafka's client cannot take apart: read from the bytes that the broker sent.

The client gives up a whole batch for one of its records, and finds the same batch again however
often it is asked, so what comes after it in that batch has to be had from here.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatch

from commands.shop.record import Record
from consumers.hearing import record_of
from consumers.packed import MOST_BYTES, TooMuch

_NAME: Final = "a header's name is no text"
_BATCH: Final = "the batch that it stands in is damaged"
_BOMB: Final = f"the batch that it stands in unpacks to more than {MOST_BYTES:,} bytes"
_KEPT_BYTES: Final = 500_000
"""Of a batch that nobody can take apart."""

MOST_RECORDS: Final = 10_000
"""Of a batch, at a time: one of a megabyte may hold millions."""


class Torn(msgspec.Struct, frozen=True):
    """What is left of a batch with such a record in it, and where to go on after that."""

    partition: Any
    records: tuple[Record, ...]
    next_offset: int


class Lookout:
    """Remembers what a consumer was sent last, for when the consumer cannot take it apart."""

    def __init__(self, inbox: Any) -> None:
        self._inbox = inbox
        self._sent: dict[Any, bytes] = {}
        fetcher = inbox._fetcher  # noqa: SLF001  # nothing public tells the bytes
        parse = fetcher._parse_fetched_data  # noqa: SLF001

        def remember(fetched: Any) -> Any:
            self._sent[fetched.topic_partition] = fetched.partition_data.records
            return parse(fetched)

        fetcher._parse_fetched_data = remember  # noqa: SLF001

    def torn(self) -> Torn | None:
        """Return what a poll that failed could not take apart; None when it failed otherwise."""
        for partition in self._inbox.assignment():
            sent = self._sent.get(partition)
            if sent is not None:
                torn = rest_of(sent, partition, self._inbox.position(partition))
                if torn is not None:
                    return torn
        return None


def rest_of(sent: bytes, partition: Any, position: int) -> Torn | None:
    """Return the records from `position` on of its batch; None when that batch is whole."""
    batches = MemoryRecords(sent)
    while (batch := batches.next_batch()) is not None:
        if batch.next_offset > position:
            break
    if batch is None or batch.base_offset > position:
        return None
    wanted: list[Record] = []
    whole = True
    for record in _records(batch, partition, position):
        whole = whole and record.torn is None
        if len(wanted) < MOST_RECORDS:
            if record.offset >= position:
                wanted.append(record)
        elif not whole:
            return Torn(partition, tuple(wanted), next_offset=wanted[-1].offset + 1)
    return None if whole else Torn(partition, tuple(wanted), next_offset=batch.next_offset)


def _records(batch: Any, partition: Any, position: int) -> Iterator[Record]:
    place = batch.base_offset
    packed = bytes(batch._buffer[:_KEPT_BYTES])  # noqa: SLF001
    try:
        if not batch.validate_crc():
            raise CorruptRecordError(_BATCH)  # noqa: TRY301  # told as what else is damaged
        for raw in _leniently(batch):
            place = raw.offset + 1
            record = record_of(raw, partition.topic, partition.partition)
            named = all(_is_text(name) for name, _ in raw.headers)
            yield record if named else msgspec.structs.replace(record, torn=_NAME)
    except Exception as error:  # noqa: BLE001  # whatever the client makes of damaged bytes
        yield Record(
            topic=partition.topic,
            partition=partition.partition,
            offset=max(place, position),
            time=getattr(batch, "max_timestamp", None) or 0,
            headers={},
            value=packed,
            torn=_BOMB if isinstance(error, TooMuch) else _BATCH,
        )


def _leniently(batch: DefaultRecordBatch) -> Iterator[Any]:
    """Yield the client's own records, whatever bytes stand for the names of their headers."""
    records = iter(batch)  # unpacks it
    batch._buffer = _Lenient(batch._buffer)  # noqa: SLF001
    yield from records


class _Lenient(bytearray):
    """Bytes of which every part can be read as text."""

    def __getitem__(self, place: Any, /) -> Any:
        part = super().__getitem__(place)
        return part if isinstance(part, int) else type(self)(part)

    def decode(self, *_: str) -> str:
        return super().decode(errors="surrogateescape")


def _is_text(name: str) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in name)
