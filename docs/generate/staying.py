"""The page of what stays in the clear, of who was forgotten too."""

from collections.abc import Iterable, Iterator
from typing import Final

from api.staying import STAYS
from docs.generate.markdown import code, document, table

_ABOUT: Final = """
This is all that is not sealed, so it stays when somebody is forgotten: it is needed for figures,
and does not say who somebody is as long as the shop does not write it there. A property is in the
clear under these names only, if it is short and plain (a number, or a text of at most 200
characters without an `@`), and some only on the events of the trade; a shop extends the lists by
`HUIKE_CLEAR_TRAITS` and `HUIKE_CLEAR_PROPERTIES`. `context.ip` is cut down to its network. Choices
from a fixed list, amounts, instants and UUIDs are not named here: they cannot hold a name.
"""


def page() -> str:
    """Return the page of the list."""
    heads = ["what", "fields of facts", "what shops send"]
    return document("What stays in the clear", _ABOUT, table(heads, _rows()))


def _rows() -> Iterator[list[str]]:
    for line in STAYS:
        yield [line.english, _codes(line.facts), _codes(line.told)]


def _codes(names: Iterable[str]) -> str:
    return ", ".join(map(code, sorted(names)))
