"""What proves facts by themselves: their rows and hashes beside them, under the log's seals."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from infra.event_store.chain import BEGINNING, Break, Row, follow
from infra.event_store.tree import Tree, path_of, proof
from infra.postgres import Connection
from infra.seals import Broken, Seal


class Proven(msgspec.Struct, frozen=True):
    """A fact's canonical bytes, the position of its seal, and the hashes up to a peak of it."""

    row: bytes
    seal: int
    path: Sequence[bytes]


def prove(
    connection: Connection, positions: Sequence[int], seals: Sequence[Seal]
) -> Iterable[Proven]:
    """Yield the facts at positions, each proven under the first seal after it.

    `positions` and `seals` are in order, and the last seal is after all positions. What lies
    between two seals is read once, and only where one of the facts is. Raises Broken.
    """
    before: Seal | None = None
    for seal in seals:
        after = 0 if before is None else before.position
        own = positions[bisect_right(positions, after) : bisect_right(positions, seal.position)]
        if own:
            yield from _under(connection, own, before, seal)
        before = seal


def _under(
    connection: Connection, positions: Sequence[int], before: Seal | None, seal: Seal
) -> Iterable[Proven]:
    start = BEGINNING if before is None else before.mark
    peaks = () if before is None else before.tree().peaks
    wanted = {node for position in positions for node in path_of(position, seal.position)}
    tree = Tree(start.position, peaks, wanted)
    rows: dict[int, bytes] = {}

    def see(batch: Sequence[Row]) -> None:
        base = tree.size + 1
        first = bisect_left(positions, base)
        for position in positions[first : bisect_left(positions, base + len(batch))]:
            rows[position] = bytes(batch[position - base])
        tree.add(batch)

    end = follow(connection, start, upto=seal.position, see=see, sealed=dict([seal.mark]))
    if isinstance(end, Break):
        raise Broken(end)
    if tree.peaks != seal.tree().peaks:
        why = "the facts are not those that were sealed"
        raise Broken(Break(start.position + 1, seal.position, None, (), "rewritten", why))
    for position in positions:
        yield Proven(rows[position], seal.position, proof(tree.noted, position, seal.position))
