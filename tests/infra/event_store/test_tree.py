"""A few hashes vouch for all facts, and each is proven by itself, whenever it was taken in."""

import hashlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from infra.event_store.tree import Node, Tree, path_of, peaks_of, proof, proves

sizes = st.integers(1, 130)


def rows(upto: int, *, after: int = 0) -> list[bytes]:
    return [b"row %d" % n for n in range(after + 1, upto + 1)]


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of a whole tree, as RFC 9162 defines it."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = len(leaves) // 2
    return hashlib.sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


def tree_of(size: int) -> Tree:
    tree = Tree()
    tree.add(rows(size))
    return tree


def test_no_facts_have_no_peaks() -> None:
    assert (Tree().peaks, peaks_of(0)) == ((), [])


@given(sizes)
def test_the_peaks_are_the_roots_of_the_largest_whole_trees(size: int) -> None:
    every = rows(size)
    nodes = peaks_of(size)
    assert [node.start for node in nodes] == [
        sum(2**n.height for n in nodes[:i]) for i in range(len(nodes))
    ]
    assert sum(2**node.height for node in nodes) == size
    assert tree_of(size).peaks == tuple(
        root(every[node.start : node.start + 2**node.height]) for node in nodes
    )


@given(st.data(), sizes)
def test_it_grows_on_from_its_peaks_alone(data: st.DataObject, size: int) -> None:
    half = data.draw(st.integers(0, size))
    tree = Tree(half, tree_of(half).peaks)
    tree.add(rows(size, after=half))
    assert tree.peaks == tree_of(size).peaks


@given(st.data(), sizes)
def test_every_fact_after_the_peaks_it_grew_from_is_proven(data: st.DataObject, size: int) -> None:
    half = data.draw(st.integers(0, size - 1))
    position = data.draw(st.integers(half + 1, size))
    wanted: set[Node] = set(path_of(position, size))
    tree = Tree(half, tree_of(half).peaks, wanted)
    tree.add(rows(size, after=half))
    path = proof(tree.noted, position, size)
    row = b"row %d" % position
    assert proves(row, position, path, size, tree.peaks)
    other = data.draw(st.integers(-1, size + 1).filter(lambda n: n != position))
    assert not proves(row, other, path, size, tree.peaks)
    assert not proves(row + b"!", position, path, size, tree.peaks)
    assert not proves(row, position, [*path, bytes(32)], size, tree.peaks)
    assert not proves(row, position, path, size, [bytes(32)] * len(tree.peaks))
