"""Which seals a drill holds a restored log to: those that it keeps, and those from outside."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from infra.postgres import Connection
from infra.seals import BadSeal, Lineage, Seal, kept
from infra.signing import Signer, file_beside


class Sealed(msgspec.Struct):
    """The seals of what was restored, how many of the others are of later facts, what is wrong."""

    kept: Sequence[Seal] = ()
    given: Sequence[Seal] = ()
    later: int = 0
    wrong: list[str] = msgspec.field(default_factory=list)

    @property
    def marks(self) -> dict[int, bytes]:
        """What the chain must be at which positions; what is kept outside has the last word."""
        return dict(seal.mark for seal in (*self.kept, *self.given))

    def told(self) -> Iterator[str]:
        """Yield the sentences that a drill prints."""
        yield f"seals that the log keeps itself: {len(self.kept):,}"
        if self.given or self.later:
            yield f"seals from outside: {len(self.given):,}, and {self.later:,} of later facts"
        if self.marks:
            yield f"sealed up to position {max(self.marks):,}"
        else:
            yield "never sealed: of what was rewritten before the backup, nothing would tell"


def seals_of(
    connection: Connection, keyring_file: Path, outside: Sequence[Seal], upto: int
) -> Sealed:
    """Find what a log that was restored up to a position is to be held to."""
    sealed, lineage = Sealed(), Lineage.read(connection)
    try:
        if file_beside(keyring_file).exists():
            sealed.kept = kept(connection, Signer.beside(keyring_file).public, lineage)
    except BadSeal as bad:
        sealed.wrong.append(f"{bad}".rstrip("."))
    given = [seal for seal in outside if seal.position <= upto]
    sealed.later = len(outside) - len(given)
    try:
        for seal in given:
            lineage.claim(seal, f"The seal from outside of position {seal.position}")
    except BadSeal as bad:
        sealed.wrong.append(f"{bad}".rstrip("."))
    else:
        sealed.given = given
    return sealed
