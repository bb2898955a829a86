"""Seals: the log's head signed, to be kept where nobody who can write the log can write."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from infra.access_chain import ReadsBreak
from infra.access_chain import follow as follow_reads
from infra.event_store.chain import BEGINNING, Break, Hash, Mark, follow
from infra.event_store.tree import Tree, peaks_of
from infra.postgres import Connection
from infra.retention import destroyed_runs
from infra.signing import Signer, is_signed

Key = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9+/]{43}=\Z")]
Signature = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9+/]{86}==\Z")]
"""In base64."""


class SealedReads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last read of the access log, 0 where it has none, and its chain there."""

    last: Annotated[int, msgspec.Meta(ge=0)]
    chain: Hash

    @property
    def mark(self) -> Mark:
        return Mark(self.last, bytes.fromhex(self.chain))


class Seal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which log, up to which position; its chain there, the peaks of its tree, when, by whom.

    From version 2 on it says where the access log ended too.
    """

    seal: Literal[1, 2] = 1
    log: UUID
    position: Annotated[int, msgspec.Meta(ge=1)]
    chain: Hash
    peaks: tuple[Hash, ...]
    sealed_at: Annotated[datetime, msgspec.Meta(tz=True)]
    reads: SealedReads | UnsetType = UNSET
    key: Key
    signature: Signature = ""

    @property
    def told(self) -> bytes:
        """What is signed: six lines of text, eight where it says of reads."""
        lines = (
            f"Huike seal {self.seal}",
            str(self.log),
            str(self.position),
            self.chain,
            " ".join(self.peaks),
            self.sealed_at.astimezone(UTC).isoformat(),
            *((str(self.reads.last), self.reads.chain) if self.reads else ()),
        )
        return "".join(f"{line}\n" for line in lines).encode()

    @property
    def mark(self) -> Mark:
        return Mark(self.position, bytes.fromhex(self.chain))

    def marks(self) -> Iterator[tuple[str, Mark]]:
        """Yield what it says of the log, and of the access log."""
        yield "facts", self.mark
        if self.reads and self.reads.last:
            yield "reads", self.reads.mark

    @property
    def signed(self) -> bool:
        """Tell whether its signature is that of the key it names."""
        whole = len(self.peaks) == len(peaks_of(self.position))
        whole = whole and (self.seal == 1) == (self.reads is UNSET)
        return whole and is_signed(self.told, self.signature, self.key)

    def tree(self) -> Tree:
        return Tree(self.position, [bytes.fromhex(peak) for peak in self.peaks])

    def line(self) -> bytes:
        return msgspec.json.encode(self)


class BadSeal(Exception):
    """A seal that proves nothing."""

    def __init__(self, place: object, **more: object) -> None:
        told = " ".join(str(type(self).__doc__).split())
        super().__init__(told.format(place, **more))


class NoSeal(BadSeal):
    """{} holds no seal: `huike audit seal --to FILE` writes one."""


class NotASeal(BadSeal):
    """{} is no seal of Huike, or not whole."""


class TornSeal(NotASeal):
    """{} was not written whole, and proves nothing: a disk was full, or a machine went down."""


class ForgedSeal(BadSeal):
    """{} was altered or forged: its signature does not fit what it says."""


class ForeignKey(BadSeal):
    """{} is signed with the key {key}, which is not one to be trusted here: see --public-key."""


class ForeignLog(BadSeal):
    """{} is of another log, {log}; this one is {ours}."""


class LostSeal(BadSeal):
    """{} is of facts that were lost: the log was restored as it was at position {upto}.

    Whoever owns the database could claim so. Take that line out if it is true.
    """


class Contradicting(BadSeal):
    """{} says otherwise of its position than another seal with a good signature."""


class Broken(Exception):
    """The log is not sealed, since it is not as it was recorded."""

    def __init__(self, where: Break | ReadsBreak) -> None:
        super().__init__(f"{str(self.__doc__).rstrip('.')}: {where}.")


class Lineage(msgspec.Struct, frozen=True):
    """Which log this is, and which it was before it was restored, up to which positions."""

    now: UUID
    ancestors: dict[UUID, int]

    @classmethod
    def read(cls, connection: Connection) -> "Lineage":
        row = connection.execute("select incarnation from log.installation").fetchone()
        assert row is not None
        found = connection.execute("select incarnation, position from log.ancestor").fetchall()
        return cls(row[0], dict(found))

    def claim(self, seal: Seal, place: str) -> None:
        """Raise ForeignLog or LostSeal when a seal is not of this log as it stands."""
        if seal.log == self.now:
            return
        upto = self.ancestors.get(seal.log)
        if upto is None:
            raise ForeignLog(place, log=seal.log, ours=self.now)
        if seal.position > upto:
            raise LostSeal(place, upto=upto)


def read_seals(
    file: Path,
    trusted: Collection[str],
    lineage: Lineage | None,
    tell: Callable[[str], object] | None = None,
) -> list[Seal]:
    """Return the seals of a file, one a line. Raises OSError, BadSeal: one proves nothing.

    `lineage`: whose they must be, None: anybody's. `tell` hears of lines that are torn; they are
    refused where it is None, or where no other line is a seal.
    """
    seals: dict[tuple[Mark, SealedReads | UnsetType], Seal] = {}
    marks: dict[tuple[str, int], bytes] = {}
    torn: list[TornSeal] = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        place = f"Line {number} of {file}"
        try:
            seal = parse_seal(line, place, trusted)
        except TornSeal as found:
            torn.append(found)
            continue
        if lineage is not None:
            lineage.claim(seal, place)
        for what, mark in seal.marks():
            if marks.setdefault((what, mark.position), mark.chain) != mark.chain:
                raise Contradicting(place)
        seals.setdefault((seal.mark, seal.reads), seal)
    if torn and (tell is None or not seals):
        raise torn[0]
    if not seals:
        raise NoSeal(file)
    for one in torn:
        assert tell is not None
        tell(str(one))
    return list(seals.values())


def parse_seal(line: bytes, place: str, trusted: Collection[str]) -> Seal:
    """Return a seal of a trusted key. Raises BadSeal, which says of which place."""
    seal = _parse(line, place)
    if not seal.signed:
        raise ForgedSeal(place)
    if seal.key not in trusted:
        raise ForeignKey(place, key=seal.key)
    return seal


def _parse(line: bytes | str, place: str) -> Seal:
    try:
        return _decode(line)
    except msgspec.ValidationError:
        raise NotASeal(place) from None
    except msgspec.MsgspecError:
        raise (TornSeal if _begins(line) else NotASeal)(place) from None


def _begins(line: bytes | str) -> bool:
    """Tell whether a line is the beginning of a seal, or what a lost write leaves of one: zeros."""
    written = line if isinstance(line, bytes) else line.encode()
    begun = written.rstrip(b"\0")
    return any(opening.startswith(begun[: len(opening)]) for opening in _OPENINGS)


def kept(connection: Connection, key: str, lineage: Lineage) -> list[Seal]:
    """Return the seals by one key that this log keeps itself, by position. Raises BadSeal."""
    rows = connection.execute(
        "select position, seal from log.seal where key = %s order by position, reads", (key,)
    )
    found: list[Seal] = []
    for position, line in rows:
        place = f"The seal at position {position} in log.seal"
        seal = _parse(line, place)
        if not seal.signed or (seal.position, seal.key) != (position, key):
            raise ForgedSeal(place)
        lineage.claim(seal, place)
        found.append(seal)
    return found


def sealed_by(connection: Connection) -> set[str]:
    """Return the keys that this log was ever sealed with."""
    return {key for (key,) in connection.execute("select distinct key from log.seal")}


def seal(
    connection: Connection,
    signer: Signer,
    now: datetime,
    tell: Callable[[int, int], None] | None = None,
) -> Seal | None:
    """Sign the log's head, having followed it from the last seal; None: it has no facts.

    When nothing came since, the last seal is returned again. Raises Broken, BadSeal.
    """
    lineage = Lineage.read(connection)
    before = kept(connection, signer.public, lineage)
    last = before[-1] if before else None
    start, tree = (last.mark, last.tree()) if last else (BEGINNING, Tree())
    if last is not None:
        _still_there(connection, before)
    end = follow(connection, start, see=tree.add, tell=tell)
    if isinstance(end, Break):
        raise Broken(end)
    if not end.position:
        return None
    reads = _reads(connection, before)
    if last is not None and (end.position, reads) == (start.position, last.reads):
        return last
    unsigned = Seal(
        seal=2,
        log=lineage.now,
        position=end.position,
        chain=end.chain.hex(),
        peaks=tuple(peak.hex() for peak in tree.peaks),
        sealed_at=now,
        reads=reads,
        key=signer.public,
    )
    made = msgspec.structs.replace(unsigned, signature=signer.sign(unsigned.told))
    connection.execute(
        "insert into log.seal (position, key, reads, seal) values (%s, %s, %s, %s) "
        "on conflict do nothing",
        (made.position, signer.public, reads.last, made.line().decode()),
    )
    return made


def _reads(connection: Connection, before: Sequence[Seal]) -> SealedReads:
    """Return where the access log ends, followed from the last seal of it. Raises Broken.

    Retention may have signed with a former key; `huike audit verify` asks whose keys they are.
    """
    marks = [mark for one in before for what, mark in one.marks() if what == "reads"]
    found = follow_reads(
        connection, *marks[-1:], destroyed=lambda: destroyed_runs(connection, None)
    )
    if isinstance(found, ReadsBreak):
        raise Broken(found)
    return SealedReads(last=found.end.position, chain=found.end.chain.hex())


def _still_there(connection: Connection, seals: Sequence[Seal]) -> None:
    """Raise Broken when the batch of a seal has another chain now."""
    found = dict(
        connection.execute(
            "select position, chain from log.batch where position = any(%s)",
            ([seal.position for seal in seals],),
        )
    )
    first = 1
    for one in seals:
        if found.get(one.position) != one.mark.chain:
            why = "the chain is not the one that was sealed"
            raise Broken(Break(first, one.position, None, (), "rewritten", why))
        first = one.position + 1


_OPENINGS: Final = tuple(b'{"seal":%d,"log":"' % version for version in (1, 2))
_decode: Final = msgspec.json.Decoder(Seal).decode
