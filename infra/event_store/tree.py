"""A tree of hashes over the facts: a few vouch for all, and any fact is proven without the others.

A Merkle mountain range: the leaves are the facts in the order of their positions, and its *peaks*
the roots of the largest whole trees, from the left: of 2^k leaves each, as the binary digits of the
number of facts say. Hashed as in RFC 9162, section 2.1.1: leaves after a byte 0, pairs after a 1.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple


class Node(NamedTuple):
    """The root of 2^height leaves, the first of which is the fact after `start` others."""

    height: int
    start: int


class Tree:
    """Grows as facts come; notes the hashes of nodes that are wanted."""

    def __init__(
        self, size: int = 0, peaks: Sequence[bytes] = (), wanted: Collection[Node] = ()
    ) -> None:
        self.size = size
        self._peaks = list(peaks)
        self._wanted = wanted
        here = zip(peaks_of(size), peaks, strict=True)
        self.noted = {node: peak for node, peak in here if node in wanted}

    @property
    def peaks(self) -> tuple[bytes, ...]:
        return tuple(self._peaks)

    def add(self, rows: Iterable[bytes | bytearray | memoryview]) -> None:
        """Take in facts by their canonical bytes, in order."""
        peaks, wanted, size = self._peaks, self._wanted, self.size
        for row in rows:
            made, height = leaf(row), 0
            if wanted:
                self._note(Node(0, size), made)
            size += 1
            left = size
            while not left & 1:
                left >>= 1
                height += 1
                made = pair(peaks.pop(), made)
                if wanted:
                    self._note(Node(height, size - (1 << height)), made)
            peaks.append(made)
        self.size = size

    def _note(self, node: Node, made: bytes) -> None:
        if node in self._wanted:
            self.noted[node] = made


def leaf(row: bytes | bytearray | memoryview) -> bytes:
    return hashlib.sha256(b"\0" + row).digest()


def pair(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def peaks_of(size: int) -> list[Node]:
    """Return the peaks over so many facts, from the left."""
    heights = [height for height in reversed(range(size.bit_length())) if size >> height & 1]
    return [Node(height, size >> (height + 1) << (height + 1)) for height in heights]


def path_of(position: int, size: int) -> list[Node]:
    """Return the nodes that prove the fact at a position, from the leaf up to its peak."""
    index = position - 1
    peak = next(node for node in reversed(peaks_of(size)) if node.start <= index)
    return [Node(height, (index >> height ^ 1) << height) for height in range(peak.height)]


def proves(
    row: bytes, position: int, path: Sequence[bytes], size: int, peaks: Sequence[bytes]
) -> bool:
    """Tell whether the fact at a position is the one over which these peaks were made."""
    nodes = peaks_of(size)
    if not 0 < position <= size or len(peaks) != len(nodes):
        return False
    index, made = position - 1, leaf(row)
    number, peak = max((n, node) for n, node in enumerate(nodes) if node.start <= index)
    if len(path) != peak.height:
        return False
    for height, other in enumerate(path):
        made = pair(other, made) if index >> height & 1 else pair(made, other)
    return made == peaks[number]


def proof(noted: Mapping[Node, bytes], position: int, size: int) -> list[bytes]:
    """Return the hashes that prove the fact at a position. Raises KeyError: one was not noted."""
    return [noted[node] for node in path_of(position, size)]
