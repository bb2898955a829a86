"""A backup that is not what was written is refused, each harm with a word of its own."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.backup.key import BackupKey
from infra.backup.opening import open_file
from infra.backup.sealed_file import CHUNK, FORMAT, MARK, SealedReader, SealedWriter
from infra.backup.unusable import (
    Altered,
    AlteredHeader,
    Disordered,
    ForeignChunk,
    NewerFormat,
    NoKey,
    NotABackup,
    OtherKey,
    OtherKind,
    Overlong,
    Truncated,
    Unusable,
)
from infra.migrations import RestoreUnfinished, migrate
from tests.infra.backup.backups import Backups

OURS: Final = BackupKey(bytes(32))
FRAME: Final = 29
CONTENT: Final = struct.pack(f">{CHUNK}I", *range(CHUNK))  # four chunks


def sealed(content: bytes = CONTENT, key: BackupKey = OURS) -> bytes:
    out = io.BytesIO()
    writer = SealedWriter(out, key, {"kind": "data"})
    writer.write(content)
    writer.close()
    return out.getvalue()


def opened(file: bytes, length: int = len(CONTENT), key: BackupKey = OURS) -> bytes:
    reader = SealedReader(io.BytesIO(file), key, "b")
    content = reader.read(length)
    reader.finish()
    return content


def parts(file: bytes) -> tuple[bytes, list[bytes]]:
    """Return the header of a file, and its chunks."""
    (length,) = struct.unpack_from(">I", file, len(MARK) + 2)
    at = end = len(MARK) + 6 + length + 32
    chunks = []
    while end < len(file):
        size = struct.unpack_from(">I", file, end + FRAME - 4)[0]
        chunks.append(file[end : end + FRAME + size])
        end += FRAME + size
    return file[:at], chunks


FILE: Final = sealed()
HEADER, CHUNKS = parts(FILE)
EVERY_CHUNK: Final = pytest.mark.parametrize("n", range(4))


def with_bytes(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def test_a_file_is_several_chunks_and_says_what_was_written() -> None:
    assert len(CHUNKS) == 4
    assert opened(FILE) == CONTENT


@given(st.lists(st.binary(min_size=1, max_size=100), min_size=1), st.integers(1, 50))
def test_what_is_written_in_pieces_is_read_in_any(pieces: list[bytes], step: int) -> None:
    content = b"".join(pieces)
    out = io.BytesIO()
    writer = SealedWriter(out, OURS, {})
    for piece in pieces:
        writer.write(piece)
    writer.close()
    reader = SealedReader(io.BytesIO(out.getvalue()), OURS, "b")
    steps = [min(step, len(content) - at) for at in range(0, len(content), step)]
    assert b"".join(reader.read(n) for n in steps) == content
    reader.finish()


@EVERY_CHUNK
def test_a_chunk_that_was_altered_is_named(n: int) -> None:
    harmed = [*CHUNKS]
    last = len(harmed[n]) - 1
    for at in (FRAME, last):
        harmed[n] = with_bytes(CHUNKS[n], at, bytes([CHUNKS[n][at] ^ 1]))
        with pytest.raises(Altered, match=f"b was altered: its chunk {n} is not"):
            opened(HEADER + b"".join(harmed))


@EVERY_CHUNK
def test_a_chunk_that_is_said_to_be_the_last_or_not_is_altered(n: int) -> None:
    harmed = [*CHUNKS]
    harmed[n] = with_bytes(CHUNKS[n], 24, bytes([CHUNKS[n][24] ^ 1]))
    with pytest.raises(Altered):
        opened(HEADER + b"".join(harmed))


@EVERY_CHUNK
def test_a_file_that_ends_too_early_is_not_whole(n: int) -> None:
    whole = HEADER + b"".join(CHUNKS[:n])
    for cut in (whole, whole + CHUNKS[n][:10], whole + CHUNKS[n][:100], whole + CHUNKS[n][:-1]):
        with pytest.raises(Truncated, match=f"b is not whole: it ends in its chunk {n}"):
            opened(cut)


@EVERY_CHUNK
def test_a_chunk_that_is_missing_is_noticed(n: int) -> None:
    with pytest.raises((Disordered, Truncated)):
        opened(HEADER + b"".join(CHUNKS[:n] + CHUNKS[n + 1 :]))


@EVERY_CHUNK
def test_a_chunk_that_stands_elsewhere_is_noticed(n: int) -> None:
    order = [*CHUNKS]
    order[n], order[n - 1] = order[n - 1], order[n]
    with pytest.raises(Disordered, match=r"its chunk \d stands where chunk \d was"):
        opened(HEADER + b"".join(order))


@EVERY_CHUNK
def test_a_chunk_that_was_given_another_number_is_altered(n: int) -> None:
    order = [*CHUNKS]
    order[n] = with_bytes(CHUNKS[n - 1], 16, n.to_bytes(8))
    with pytest.raises(Altered):
        opened(HEADER + b"".join(order))


@EVERY_CHUNK
def test_a_chunk_of_another_backup_is_foreign(n: int) -> None:
    other = parts(sealed())[1]
    with pytest.raises(ForeignChunk, match=f"where its own chunk {n} was"):
        opened(HEADER + b"".join([*CHUNKS[:n], other[n], *CHUNKS[n + 1 :]]))
    disguised = CHUNKS[n][:16] + other[n][16:]
    with pytest.raises(Altered):
        opened(HEADER + b"".join([*CHUNKS[:n], disguised, *CHUNKS[n + 1 :]]))


def test_what_was_added_is_noticed() -> None:
    for more in (b"x", CHUNKS[0], CHUNKS[3]):
        with pytest.raises(Overlong):
            opened(FILE + more)


def test_a_header_that_was_altered_or_cut_is_refused() -> None:
    kind = HEADER.index(b'"data"')
    with pytest.raises(AlteredHeader):
        opened(with_bytes(FILE, kind, b'"date"'))
    with pytest.raises(AlteredHeader):
        opened(with_bytes(FILE, len(HEADER) - 1, bytes([HEADER[-1] ^ 1])))
    for length in range(len(HEADER) - 32):
        with pytest.raises((Truncated, NotABackup)):
            opened(FILE[:length])


@given(st.integers(0, len(HEADER) - 1), st.integers(1, 255))
def test_no_byte_of_a_header_can_be_another(at: int, by: int) -> None:
    with pytest.raises(Unusable):
        opened(with_bytes(FILE, at, bytes([FILE[at] ^ by])))


@given(st.binary(max_size=200).filter(lambda content: not content.startswith(MARK)))
def test_what_is_no_backup_is_refused(content: bytes) -> None:
    with pytest.raises(NotABackup, match="b is no backup of Huike"):
        opened(content)


def test_another_key_is_told_from_the_right_one() -> None:
    other = BackupKey(b"k" * 32)
    with pytest.raises(OtherKey, match=f"with another key, {OURS.id}; this one is {other.id}"):
        opened(FILE, key=other)


def test_a_newer_format_is_not_guessed_at() -> None:
    newer = with_bytes(FILE, len(MARK), (FORMAT + 1).to_bytes(2))
    with pytest.raises(NewerFormat, match=f"in format {FORMAT + 1}"):
        opened(newer)


def test_a_key_is_a_key(tmp_path: Path) -> None:
    file = tmp_path / "backup.key"
    made = BackupKey.make(file)
    assert BackupKey.read(file) == made
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        BackupKey.make(file)
    for content in (b"", b"\xff", b"hello", b"huike-backup-key:1:aGVsbG8=", file.read_bytes()[19:]):
        file.write_bytes(content)
        with pytest.raises(NoKey, match="`huike backup-key` makes one"):
            BackupKey.read(file)


def cut(content: bytes) -> bytes:
    return content[:-1]


def altered(content: bytes) -> bytes:
    return with_bytes(content, len(content) - 20, bytes([content[-20] ^ 1]))


@pytest.mark.parametrize(("harm", "refusal"), [(cut, Truncated), (altered, Altered)])
@pytest.mark.parametrize("which", ["data", "keys"])
def test_nothing_is_restored_from_a_harmed_file(
    backups: Backups, which: str, harm: Callable[[bytes], bytes], refusal: type[Exception]
) -> None:
    taken = backups.take()
    file: Path = getattr(taken, which)
    file.write_bytes(harm(file.read_bytes()))
    with pytest.raises(refusal):
        backups.restore(taken)
    with pytest.raises(RestoreUnfinished):
        migrate(backups.target)
    assert not backups.keyring.exists()


def test_keys_are_no_data(backups: Backups) -> None:
    taken = backups.take()
    with (
        pytest.raises(OtherKind, match="is a backup of keys, not of data"),
        open_file(taken.keys, backups.key, "data"),
    ):
        pass
