"""What is left of a batch that Kafka's client cannot take apart."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition, codec
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecordsBuilder
from kafka.record.util import calc_crc32c

from consumers import packed
from consumers import torn as torn_module
from consumers.packed import UNPACK, TooMuch, bound_unpacking
from consumers.torn import rest_of

HERE = TopicPartition("shop.events", 3)


def batch(*values: bytes, begin: int = 0, named: str = "x", codec: int = 0) -> bytes:
    """Return a batch as a broker sends it; each record has a header."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=codec, batch_size=10_000_000)
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


@pytest.mark.parametrize("kind", range(5))
def test_the_records_of_a_torn_batch_are_read_from_where_the_consumer_stood(kind: int) -> None:
    sent = batch(b"a", b"b") + batch(b"c", b"d", b"e", begin=2, named=NoText("x"), codec=kind)
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


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("sound", [True, False])
def test_a_damaged_batch_is_kept_as_it_came(kind: int, *, sound: bool) -> None:
    sent = bytearray(batch(b"a" * 100, b"b" * 100, begin=2, codec=kind))
    sent[-30:] = b"\xff" * 30
    if sound:  # by its checksum
        sent[17:21] = calc_crc32c(bytes(sent[21:])).to_bytes(4, "big")
    torn = rest_of(bytes(sent), HERE, 2)
    assert torn is not None
    assert torn.next_offset == 4
    assert torn.records[-1].torn
    assert torn.records[-1].value == bytes(sent)


@pytest.mark.parametrize("kind", [1, 3, 4])
def test_a_batch_that_unpacks_to_too_much_is_told_and_never_held(
    kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = batch(b"a") + batch(*[bytes(90_000)] * 20, begin=1, codec=kind)
    monkeypatch.setattr(packed, "MOST_BYTES", 1_000_000)
    bound_unpacking()
    assert rest_of(sent, HERE, 0) is None
    torn = rest_of(sent, HERE, 1)
    assert torn is not None
    assert [(record.place, record.value) for record in torn.records] == [
        ("shop.events/3@1", sent[-len(torn.records[0].value) :])
    ]
    assert "unpacks to more than" in str(torn.records[0].torn)
    assert torn.next_offset == 21


def test_a_batch_of_many_records_is_taken_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=100_000)
    for number in range(10):
        name = NoText("x") if number == 6 else "x"
        whole.append(timestamp=1, key=None, value=b"%d" % number, headers=[(name, b"y")])
    whole.close()
    sent = bytes(whole.buffer())
    monkeypatch.setattr(torn_module, "MOST_RECORDS", 4)
    values, place = [], 0
    while place < 10:
        torn = rest_of(sent, HERE, place)
        assert torn is not None
        assert len(torn.records) <= 4
        values += [record.value for record in torn.records]
        place = torn.next_offset
    assert values == [b"%d" % number for number in range(10)]


PACK = {
    "gzip_decode": codec.gzip_encode,
    "lz4_decode": codec.lz4_encode,
    "zstd_decode": codec.zstd_encode,
    "snappy_decode": codec.snappy_encode,
}


@given(plain=st.binary(), name=st.sampled_from(sorted(PACK)))
def test_what_was_packed_is_unpacked(plain: bytes, name: str) -> None:
    assert UNPACK[name](memoryview(PACK[name](plain))) == plain


@given(noise=st.binary(), name=st.sampled_from(sorted(PACK)), cut=st.integers(0, 60))
def test_noise_is_refused_in_one_way(noise: bytes, name: str, cut: int) -> None:
    for told in (noise, PACK[name](b"x" * 100)[:cut] + noise):
        with suppress(CorruptRecordError):
            assert len(UNPACK[name](told)) <= packed.MOST_BYTES


@pytest.mark.parametrize("java", [True, False])
def test_a_block_of_snappy_that_lies_about_its_size_is_not_believed(*, java: bool) -> None:
    lie = b"\xff\xff\xff\xff\x0f" + bytes(100)
    head = codec.snappy_encode(b"")[:16]
    with pytest.raises(TooMuch):
        UNPACK["snappy_decode"](head + struct.pack("!i", len(lie)) + lie if java else lie)
