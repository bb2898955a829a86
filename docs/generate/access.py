"""The page of access: who may do what, and how they see persons."""

from collections.abc import Iterator
from typing import Final

from api.access import SIGHT, TABLE, Operation, Sight, anywhere
from docs.generate.markdown import code, document, table
from infra.keys import Role

_ABOUT: Final = """
Whoever asks has **roles**, **scopes** or both, and may do what any one of them allows. Scopes are
for machines, roles for who works with customers: `huike keys add till --scope ingest`,
`huike keys add grace --role agent`. What is not in this table, nobody may: a service with a route
that it does not name does not start.
"""

_SEEING: Final = """
Some fields say who a person is: a name, an address, a customer's own words. An answer that holds
such fields shows them in one of three ways. The scope `personal` makes any answer whole. Exports
follow the same table, and so do the tables for BI tools, whose role `huike_reader` sees masks and
ciphertext. Who sees masks and may reveal gives a reason, and is shown one customer whole: that is a
fact, `customer.personal-data-revealed`. Whatever is shown whole stands in the access log first.
"""

_SHOWN: Final = {
    Sight.MASKED: "Masks (`a•••@e•••.com`), `sealed`, or nothing.",
    Sight.SERVED: "Whole, of those whom one serves: a ticket of theirs is assigned to the name "
    "that the key has, and is not closed; both are of the key's shop. Of all others, masks.",
    Sight.WHOLE: "The fields themselves.",
}
_MARKS: Final = {Sight.MASKED: "masked", Sight.SERVED: "served", Sight.WHOLE: "whole"}


def page() -> str:
    """Return the page of the table."""
    heads = ["operation", "scopes", *(role.value for role in Role), "fields"]
    return document(
        "Access",
        _ABOUT,
        "## Who may do what",
        "A role may where its column says so; the last column names the fields that say who a "
        "person is, and the role's column how it sees them. `own`: what the key asked for itself; "
        "the scope `admin` shows what others asked for too.",
        table(heads, _rows()),
        "## How persons are seen",
        _SEEING,
        table(["in the table", "what is shown"], [[_MARKS[s], _SHOWN[s]] for s in Sight]),
        "## By role",
        table(["role", "sees persons", "operations"], _roles()),
    )


def _rows() -> Iterator[list[str]]:
    for name, entry in TABLE.items():
        cells = (_cell(entry, role) for role in Role)
        yield [code(name), _scopes(entry), *cells, ", ".join(map(code, entry.shows))]


def _scopes(entry: Operation) -> str:
    if entry.open:
        return "without a key"
    if entry.anybody:
        return "any"
    return (" and " if entry.whole else " or ").join(map(code, entry.needed))


def _cell(entry: Operation, role: Role) -> str:
    if entry.open or entry.anybody:
        return "yes"
    sight = entry.sight((role,), ())
    if sight is None:
        return ""
    if entry.own and not anywhere((role,), ()):
        return "own"
    return _MARKS[sight] if entry.shows else "yes"


def _roles() -> Iterator[list[str]]:
    for role in Role:
        may = [name for name, entry in TABLE.items() if role in entry.allowed]
        yield [code(role.value), _MARKS[SIGHT[role]], str(len(may))]
