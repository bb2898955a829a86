"""A sealed file: a header in the clear, then compressed chunks under AES-256-GCM, in order.

    13 bytes   the mark
     2 bytes   the format's version
     4 bytes   the header's length, then the header (JSON)
    32 bytes   HMAC-SHA256 of all before
    and for each chunk:
    16 bytes   the file's id
     8 bytes   the chunk's number, from 0
     1 byte    1: it is the last
     4 bytes   the length of what follows: zstd, then AES-256-GCM with its tag

Numbers are big-endian. The two keys are HKDF-SHA256(key, the header's salt). A chunk's nonce is its
number and whether it is the last (the STREAM construction of Hoang, Reyhanitabar, Rogaway and
Vizár), its associated data the HMAC of the header and the 29 bytes before it: so no chunk can be
left out, doubled, moved, cut off, or taken from another file.
"""

import hmac
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID, uuid4

import msgspec
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infra.backup.key import BackupKey
from infra.backup.unusable import (
    Altered,
    AlteredHeader,
    Disordered,
    ForeignChunk,
    NewerFormat,
    NotABackup,
    OtherKey,
    Overlong,
    Truncated,
)

MARK: Final = b"huike backup\n"
FORMAT: Final = 1
CHUNK: Final = 1 << 20
"""Bytes of a chunk before it is compressed."""

_OPENING: Final = struct.Struct(">HI")
_FRAME: Final = struct.Struct(">16sQ?I")
_MAC: Final = 32
_TAG: Final = 16
_LONGEST_HEADER: Final = 16 << 20
_LONGEST_CHUNK: Final = CHUNK + (CHUNK >> 4) + 1024
_LEVEL: Final = 3


class SealedWriter:
    """Writes a sealed file; memory is that of a chunk. Not whole until `close`."""

    def __init__(self, out: BinaryIO, key: BackupKey, header: Mapping[str, Any]) -> None:
        """Write the header: what is given, and `id`, `salt` and `key`."""
        self._out = out
        self._id = uuid4()
        salt = os.urandom(32)
        told = {**header, "id": str(self._id), "salt": salt.hex(), "key": key.id}
        written = msgspec.json.encode(told)
        opening = MARK + _OPENING.pack(FORMAT, len(written)) + written
        self._cipher, self._mac = _keys(key, salt, opening)
        self._out.write(opening + self._mac)
        self._pack = zstandard.ZstdCompressor(level=_LEVEL).compress
        self._waiting = bytearray()
        self._number = 0

    def write(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def close(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, plain: bytes, *, last: bool) -> None:
        packed = self._pack(plain)
        frame = _FRAME.pack(self._id.bytes, self._number, last, len(packed) + _TAG)
        sealed = self._cipher.encrypt(_nonce(self._number, last=last), packed, self._mac + frame)
        self._out.write(frame + sealed)
        self._number += 1


class SealedReader:
    """Reads a sealed file, each chunk only after it was found to be as it was written."""

    def __init__(self, file: BinaryIO, key: BackupKey, name: str) -> None:
        """Read the header. Raises NotABackup, NewerFormat, OtherKey, AlteredHeader, Truncated."""
        self._file = file
        self._name = name
        header, opening, salt = read_header(file, name)
        self.header = header
        if header["key"] != key.id:
            raise OtherKey(name, theirs=header["key"], ours=key.id)
        self._cipher, self._mac = _keys(key, salt, opening)
        if not hmac.compare_digest(file.read(_MAC), self._mac):
            raise AlteredHeader(name)
        self._id = UUID(header["id"]).bytes
        self._unpack = zstandard.ZstdDecompressor().decompress
        self._number = 0
        self._ended = False
        self._held = b""
        self._at = 0

    def read(self, length: int) -> bytes:
        """Return the next bytes, exactly so many. Raises what `Unusable` there is."""
        if self._at + length <= len(self._held):
            start, self._at = self._at, self._at + length
            return self._held[start : self._at]
        parts = [self._held[self._at :]]
        missing = length - len(parts[0])
        while missing:
            if self._ended:
                raise Truncated(self._name, number=self._number)
            self._held = self._chunk()
            self._at = min(missing, len(self._held))
            parts.append(self._held[: self._at])
            missing -= self._at
        return b"".join(parts)

    def finish(self) -> None:
        """Make sure that all was read. Raises Overlong."""
        if not self._ended or self._at < len(self._held) or self._file.read(1):
            raise Overlong(self._name)

    @property
    def taken(self) -> int:
        """How many bytes of the file were read."""
        return self._file.tell()

    def _chunk(self) -> bytes:
        number = self._number
        frame = self._file.read(_FRAME.size)
        if len(frame) < _FRAME.size:
            raise Truncated(self._name, number=number)
        owner, found, last, length = _FRAME.unpack(frame)
        if owner != self._id:
            raise ForeignChunk(self._name, number=number)
        if found != number:
            raise Disordered(self._name, number=number, found=found)
        if length > _LONGEST_CHUNK or frame[24] > 1:
            raise Altered(self._name, number=number)
        sealed = self._file.read(length)
        if len(sealed) < length:
            raise Truncated(self._name, number=number)
        try:
            packed = self._cipher.decrypt(_nonce(number, last=last), sealed, self._mac + frame)
        except InvalidTag:
            raise Altered(self._name, number=number) from None
        self._number += 1
        self._ended = last
        return self._unpack(packed, max_output_size=CHUNK)


def read_header(file: BinaryIO, name: str) -> tuple[dict[str, Any], bytes, bytes]:
    """Return what a file says of itself, the bytes in which it does, and its salt.

    Nothing of it is proved yet. Raises NotABackup, NewerFormat, Truncated.
    """
    start = file.read(len(MARK) + _OPENING.size)
    if not start.startswith(MARK):
        raise NotABackup(name)
    if len(start) < len(MARK) + _OPENING.size:
        raise Truncated(name, number=0)
    format_, length = _OPENING.unpack_from(start, len(MARK))
    if format_ > FORMAT:
        raise NewerFormat(name, format=format_)
    if format_ < 1 or length > _LONGEST_HEADER:
        raise NotABackup(name)
    written = file.read(length)
    if len(written) < length:
        raise Truncated(name, number=0)
    try:
        header = msgspec.json.decode(written, type=dict[str, Any])
        UUID(header["id"])
        salt = bytes.fromhex(header["salt"])
        str(header["key"])
    except (msgspec.DecodeError, KeyError, ValueError, TypeError, AttributeError):
        raise NotABackup(name) from None
    return header, start + written, salt


def header_of(file: Path) -> dict[str, Any]:
    """Return what a file says of itself, unproved. Raises as `read_header`, OSError."""
    with file.open("rb") as opened:
        return read_header(opened, file.name)[0]


def _keys(key: BackupKey, salt: bytes, opening: bytes) -> tuple[AESGCM, bytes]:
    """Return the cipher of a file's chunks and the HMAC of how it opens."""
    made = HKDF(algorithm=SHA256(), length=64, salt=salt, info=b"huike backup").derive(key.secret)
    return AESGCM(made[:32]), hmac.digest(made[32:], opening, "sha256")


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])
