"""Batches of Kafka's records, unpacked within a bound: a megabyte may say that it is gigabytes.

The client's own functions unpack whatever they are given, all of it, before a record is read.
"""

import gzip
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final, cast

import lz4.frame
import snappy
import zstandard
from kafka.errors import CorruptRecordError
from kafka.record import default_records, legacy_records

MOST_BYTES: Final = 50_000_000
"""Of a batch, unpacked: many times what a broker takes packed, as shops' JSON packs."""

_WINDOW: Final = 2**26
"""What zstd may look back to and hold for it, at most."""

_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEAD: Final = 16


class TooMuch(CorruptRecordError):  # type: ignore[misc]  # kafka ships no types
    """The batch unpacks to more than can be held."""


def bound_unpacking() -> None:
    """Have Kafka's client unpack by what stands here, in this process; once is enough."""
    for name, unpack in UNPACK.items():
        for module in (default_records, legacy_records):
            setattr(module, name, unpack)


def _bounded(unpack: Callable[[bytes], bytes]) -> Callable[[Any], bytes]:
    """Return what unpacks within the bound. Raises TooMuch, CorruptRecordError alone."""

    def bounded(packed: Any) -> bytes:
        try:
            plain = unpack(bytes(packed))
        except CorruptRecordError:
            raise
        except Exception as error:  # whatever a codec makes of damaged bytes
            raise CorruptRecordError(str(error)) from error
        if len(plain) > MOST_BYTES:
            raise TooMuch
        return plain

    return bounded


def _gzip(packed: bytes) -> bytes:
    with gzip.GzipFile(fileobj=BytesIO(packed)) as file:
        return file.read(MOST_BYTES + 1)


def _lz4(packed: bytes) -> bytes:
    with lz4.frame.LZ4FrameFile(BytesIO(packed)) as file:
        return cast("bytes", file.read(MOST_BYTES + 1))


def _zstd(packed: bytes) -> bytes:
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    with unpacker.stream_reader(BytesIO(packed), read_across_frames=True) as file:
        return file.read(MOST_BYTES + 1)


def _snappy(packed: bytes) -> bytes:
    """Unpack one block, or the blocks of Java's clients, each after its length."""
    if not packed.startswith(_XERIAL):
        _check(packed, MOST_BYTES)
        return cast("bytes", snappy.decompress(packed))
    plain = bytearray()
    place = _XERIAL_HEAD
    while place < len(packed):
        begin = place + 4
        place = begin + int.from_bytes(packed[place:begin], "big")
        block = packed[begin:place]
        _check(block, MOST_BYTES - len(plain))
        plain += snappy.decompress(block)
    return bytes(plain)


def _check(block: bytes, room: int) -> None:
    """Raise TooMuch for a block of snappy that says at its begin that it becomes more."""
    size = shift = 0
    for byte in block[:5]:  # seven bits in each, the lowest first, until one below 128
        more, bits = divmod(byte, 128)
        size |= bits << shift
        shift += 7
        if not more:
            break
    if size > room:
        raise TooMuch


UNPACK: Final = {
    "gzip_decode": _bounded(_gzip),
    "snappy_decode": _bounded(_snappy),
    "lz4_decode": _bounded(_lz4),
    "zstd_decode": _bounded(_zstd),
}
"""By the names under which the client knows them."""
