"""A seal is believed when its signature, its key and its log are right, and for nothing else."""

import base64
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from infra.event_store import EventLog
from infra.event_store.tree import Tree
from infra.postgres import OWNER, WRITER, Connection, connect
from infra.seals import (
    BadSeal,
    Broken,
    Contradicting,
    ForeignKey,
    ForeignLog,
    ForgedSeal,
    Lineage,
    LostSeal,
    NoSeal,
    NotASeal,
    Seal,
    SealedReads,
    TornSeal,
    read_seals,
    seal,
)
from infra.seals import (
    kept as kept_seals,
)
from infra.signing import Signer
from tests.infra.event_store import kept

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.beside(tmp_path / "keyring.json")


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[EventLog]:
    with kept.writer(database_url, tmp_path / "keyring.json") as log:
        kept.fill(log)
        yield log


@pytest.fixture
def connection(log: EventLog, database_url: str) -> Iterator[Connection]:
    assert log
    with connect(database_url, WRITER) as connection:
        yield connection


def made(connection: Connection, signer: Signer) -> Seal:
    sealed = seal(connection, signer, NOON)
    assert sealed is not None
    return sealed


def signed(seal: Seal, signer: Signer) -> Seal:
    return msgspec.structs.replace(seal, signature=signer.sign(seal.told))


def in_file(tmp_path: Path, *seals: Seal) -> Path:
    file = tmp_path / "seals.jsonl"
    file.write_bytes(b"".join(one.line() + b"\n" for one in seals))
    return file


def test_a_seal_says_where_the_log_ends(connection: Connection, signer: Signer) -> None:
    sealed = made(connection, signer)
    last = connection.execute("select position, chain from log.batch order by 1 desc").fetchone()
    assert last == sealed.mark
    assert sealed.signed
    assert (sealed.sealed_at, sealed.key) == (NOON, signer.public)


def test_its_peaks_are_those_of_the_tree_over_all_facts_however_often_it_was_sealed(
    connection: Connection, signer: Signer, log: EventLog, tmp_path: Path
) -> None:
    for n in range(10, 15):
        made(connection, signer)
        kept.fill(log, 1, begin=n)
    grown = made(connection, signer)
    at_once = made(connection, Signer.beside(tmp_path / "another" / "keyring.json"))
    assert grown.position == at_once.position == 18 + 5 * 3
    assert grown.peaks == at_once.peaks


def test_a_head_is_sealed_once(connection: Connection, signer: Signer) -> None:
    first = made(connection, signer)
    again = seal(connection, signer, datetime(2027, 1, 1, tzinfo=UTC))
    assert again == first
    assert kept_seals(connection, signer.public, Lineage.read(connection)) == [first]


def test_an_empty_log_has_nothing_to_seal(database_url: str, signer: Signer) -> None:
    with connect(database_url, WRITER) as connection:
        assert seal(connection, signer, NOON) is None


@pytest.mark.parametrize(
    "statement",
    [
        "update log.fact set body = '' where position = 20",
        "delete from log.batch where position = 18",
        "update log.batch set chain = sha256(chain) where position = 18",
    ],
)
def test_what_does_not_follow_from_the_last_seal_is_not_signed(
    connection: Connection,
    signer: Signer,
    log: EventLog,
    database_url: str,
    statement: str,
) -> None:
    made(connection, signer)
    kept.fill(log, 1, begin=50)
    kept.tamper(database_url, statement)
    with pytest.raises(Broken):
        seal(connection, signer, NOON)
    assert len(kept_seals(connection, signer.public, Lineage.read(connection))) == 1


def test_good_seals_are_read(
    connection: Connection, signer: Signer, log: EventLog, tmp_path: Path
) -> None:
    first = made(connection, signer)
    kept.fill(log, 1, begin=50)
    second = made(connection, signer)
    file = in_file(tmp_path, first, second, second)
    assert read_seals(file, [signer.public], Lineage.read(connection)) == [first, second]


@pytest.mark.parametrize(
    "alter",
    [
        lambda seal: {"position": seal.position - 1},
        lambda _: {"chain": "0" * 64},
        lambda seal: {"peaks": seal.peaks[:-1]},
        lambda seal: {"peaks": (*seal.peaks[:-1], "0" * 64)},
        lambda _: {"sealed_at": datetime(2020, 1, 1, tzinfo=UTC)},
        lambda _: {"log": uuid4()},
        lambda _: {"seal": 1},
        lambda _: {"reads": msgspec.UNSET},
        lambda _: {"seal": 1, "reads": msgspec.UNSET},
        lambda _: {"reads": SealedReads(last=1, chain="0" * 64)},
        lambda _: {"key": "0" * 43 + "="},
        lambda _: {"signature": "0" * 86 + "=="},
    ],
)
def test_a_seal_that_was_altered_is_refused(
    connection: Connection,
    signer: Signer,
    tmp_path: Path,
    alter: Callable[[Seal], dict[str, object]],
) -> None:
    sealed = made(connection, signer)
    file = in_file(tmp_path, msgspec.structs.replace(sealed, **alter(sealed)))
    with pytest.raises(ForgedSeal, match=r"Line 1 of .* was altered or forged"):
        read_seals(file, [signer.public], Lineage.read(connection))


def test_a_seal_by_somebody_elses_key_is_refused(
    connection: Connection, signer: Signer, tmp_path: Path
) -> None:
    forger = Signer.beside(tmp_path / "forger" / "keyring.json")
    file = in_file(tmp_path, made(connection, forger))
    with pytest.raises(ForeignKey, match=re.escape(forger.public)):
        read_seals(file, [signer.public], Lineage.read(connection))


def test_a_seal_of_another_log_is_refused(
    connection: Connection, signer: Signer, tmp_path: Path
) -> None:
    other = msgspec.structs.replace(made(connection, signer), log=uuid4())
    with pytest.raises(ForeignLog, match=str(other.log)):
        read_seals(
            in_file(tmp_path, signed(other, signer)), [signer.public], Lineage.read(connection)
        )


def test_a_seal_from_before_reads_were_sealed_is_still_read_and_built_upon(
    connection: Connection, signer: Signer, tmp_path: Path, database_url: str
) -> None:
    now = made(connection, signer)
    before = signed(msgspec.structs.replace(now, seal=1, reads=msgspec.UNSET), signer)
    assert before.told.startswith(b"Huike seal 1\n")
    assert before.told.count(b"\n") == 6
    assert b"reads" not in before.line()
    file = in_file(tmp_path, before, now)
    assert read_seals(file, [signer.public], Lineage.read(connection)) == [before, now]
    kept.tamper(database_url, "delete from log.seal")
    connection.execute(
        "insert into log.seal (position, key, seal) values (%s, %s, %s)",
        (before.position, signer.public, before.line().decode()),
    )
    again = made(connection, signer)
    assert (again.seal, again.mark) == (2, before.mark)
    kept_now = kept_seals(connection, signer.public, Lineage.read(connection))
    assert [one.seal for one in kept_now] == [1, 2]


def test_two_good_seals_that_contradict_each_other_are_refused(
    connection: Connection, signer: Signer, tmp_path: Path
) -> None:
    one = made(connection, signer)
    other = signed(msgspec.structs.replace(one, chain="0" * 64), signer)
    with pytest.raises(Contradicting):
        read_seals(in_file(tmp_path, one, other), [signer.public], Lineage.read(connection))


@pytest.mark.parametrize(
    ("content", "why"), [(b"", NoSeal), (b"hello\n", NotASeal), (b'{"seal": 2}', NotASeal)]
)
def test_what_is_no_seal_is_refused(
    connection: Connection, tmp_path: Path, content: bytes, why: type[BadSeal]
) -> None:
    file = tmp_path / "seals.jsonl"
    file.write_bytes(content)
    with pytest.raises(why):
        read_seals(file, [], Lineage.read(connection))


@pytest.mark.parametrize("torn", [b'{"se', b'{"seal":2,"log":"0', b"\0\0\0", b'{"seal":1,\0\0'])
def test_a_torn_line_is_told_where_somebody_hears_it_and_refused_elsewhere(
    connection: Connection, signer: Signer, tmp_path: Path, torn: bytes
) -> None:
    sealed, told = made(connection, signer), list[str]()
    file = in_file(tmp_path, sealed)
    whole = file.read_bytes().rstrip(b"\n") + b"\n"
    for content, line in ((torn + b"\n" + whole, 1), (whole + torn, 2)):
        file.write_bytes(content)
        assert read_seals(file, [signer.public], None, told.append) == [sealed]
        assert told.pop().startswith(f"Line {line} of {file} was not written whole")
        with pytest.raises(TornSeal):
            read_seals(file, [signer.public], None)
    file.write_bytes(torn)
    with pytest.raises(TornSeal):
        read_seals(file, [signer.public], None, told.append)
    file.write_bytes(whole + b"hello\n")
    with pytest.raises(NotASeal):
        read_seals(file, [signer.public], None, told.append)


def test_a_kept_seal_that_was_altered_is_found(
    connection: Connection, signer: Signer, database_url: str
) -> None:
    made(connection, signer)
    kept.tamper(database_url, "update log.seal set seal = replace(seal, '2026', '2025')")
    with pytest.raises(ForgedSeal):
        kept_seals(connection, signer.public, Lineage.read(connection))


def test_seals_hold_for_a_log_that_was_restored_as_far_as_it_reaches(
    connection: Connection, signer: Signer, tmp_path: Path
) -> None:
    file = in_file(tmp_path, made(connection, signer))
    before, after = Lineage.read(connection), uuid4()
    assert read_seals(file, [signer.public], Lineage(after, {before.now: 18}))
    with pytest.raises(LostSeal, match="was restored as it was at position 17"):
        read_seals(file, [signer.public], Lineage(after, {before.now: 17}))


def test_a_seal_is_checked_without_our_program(
    connection: Connection, signer: Signer, tmp_path: Path
) -> None:
    sealed = made(connection, signer)
    (tmp_path / "public.pem").write_text(signer.public_pem)
    (tmp_path / "told").write_bytes(sealed.told)
    (tmp_path / "signature").write_bytes(base64.b64decode(sealed.signature))
    done = subprocess.run(
        [  # whichever openssl there is
            *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin"),
            *("-in", "told", "-sigfile", "signature"),
        ],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_tree_of_a_seal_grows_on(connection: Connection, signer: Signer) -> None:
    sealed = made(connection, signer)
    whole = Tree()
    with connect(connection.info.dsn, OWNER) as owner:
        rows = [kept.rows(owner, n, n + 1) for n in range(18)]
    whole.add(rows)
    assert sealed.tree().peaks == whole.peaks
