"""What is left of a batch that Kafka's client cannot take apart."""

import pytest
from kafka import TopicPartition
from kafka.record import MemoryRecordsBuilder
from kafka.record.util import calc_crc32c

from consumers.torn import rest_of

HERE = TopicPartition("shop.events", 3)


def batch(*values: bytes, begin: int = 0, named: str = "x", codec: int = 0) -> bytes:
    """Return a batch as a broker sends it; each record has a header."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=codec, batch_size=100_000)
    for value in values:
        builder.append(timestamp=1, key=None, value=value, headers=[(named, b"y")])
    builder.close()
    made = bytearray(builder.buffer())
    made[:8] = begin.to_bytes(8, "big")  # the checksum leaves it out
    return bytes(made)


class NoText(str):
    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


@pytest.mark.parametrize("codec", range(5))
def test_the_records_of_a_torn_batch_are_read_from_where_the_consumer_stood(codec: int) -> None:
    sent = batch(b"a", b"b") + batch(b"c", b"d", b"e", begin=2, named=NoText("x"), codec=codec)
    torn = rest_of(sent, HERE, 3)
    assert torn is not None
    assert [(r.place, r.value) for r in torn.records] == [
        ("shop.events/3@3", b"d"),
        ("shop.events/3@4", b"e"),
    ]
    assert all(record.torn for record in torn.records)
    assert torn.next_offset == 5


def test_a_whole_batch_is_left_to_the_client() -> None:
    sent = batch(b"a", b"b", named="é") + batch(b"c", begin=2, named=NoText("x"))
    assert rest_of(sent, HERE, 0) is None
    assert rest_of(sent, HERE, 1) is None
    assert rest_of(sent, HERE, 2) is not None
    assert rest_of(sent, HERE, 3) is None  # these bytes do not reach so far


@pytest.mark.parametrize("codec", range(5))
@pytest.mark.parametrize("sound", [True, False])
def test_a_damaged_batch_is_kept_as_it_came(codec: int, *, sound: bool) -> None:
    sent = bytearray(batch(b"a" * 100, b"b" * 100, begin=2, codec=codec))
    sent[-30:] = b"\xff" * 30
    if sound:  # by its checksum
        sent[17:21] = calc_crc32c(bytes(sent[21:])).to_bytes(4, "big")
    torn = rest_of(bytes(sent), HERE, 2)
    assert torn is not None
    assert torn.next_offset == 4
    assert torn.records[-1].torn
    assert torn.records[-1].value == bytes(sent)
