"""The page of the views' tables, from the comments in each `schema.sql`."""

import re
from collections.abc import Collection, Iterator
from importlib.resources import files
from typing import Any, Final, get_type_hints

import msgspec

from docs.generate.markdown import code, document, table
from domain.shared.personal import is_personal
from projections import runtime
from projections.catalogue import VIEWS
from projections.projection import View
from projections.rows import Table

_TABLE: Final = re.compile(
    r"(?P<before>(?:^--[^\n]*\n)*)^create table (?P<name>\w+) \(\n(?P<columns>.*?)\n\)",
    re.MULTILINE | re.DOTALL,
)
_COLUMN: Final = re.compile(
    r"^\s+(?P<name>[a-z_]+)\s+(?P<type>[a-z]+(?:\[\])?)(?P<rest>[^-\n]*?),?\s*(?:--\s*(?P<said>.*))?$"
)
_OF_TABLE: Final = re.compile(
    r"^comment on (?:table|view) ([\w.]+) is '((?:[^']|'')*)';", re.MULTILINE
)
_OF_COLUMN: Final = re.compile(
    r"^comment on column ([\w.]+)\.(\w+) is '((?:[^']|'')*)';", re.MULTILINE
)

_ABOUT: Final = """
Read these as the role `huike_reader`, in the schema `huike`: [how](../how-to/bi-tool.md). They are
SQL views over the tables of the version that is served; a rebuild swaps what stands behind them. Do
not read the schemas `<view>_v<version>` themselves.

Instants are `timestamptz`, in UTC. Amounts are `numeric`, each in the currency that its row names.
**Sealed** columns are ciphertext: names, addresses and free text are read through the API, by keys
with the scope `personal`. Columns of JSON are `bytea`: `convert_from(column, 'UTF8')::jsonb`.
"""


class Column(msgspec.Struct, frozen=True):
    """A column as it is told."""

    name: str
    type: str
    said: str


class Told(msgspec.Struct, frozen=True):
    """A table as it is told."""

    name: str
    said: str
    columns: list[Column]
    key: tuple[str, ...]


def page() -> str:
    """Return the page of all tables."""
    text = files(runtime).joinpath("schema.sql").read_text(encoding="utf-8")
    said = dict(_OF_TABLE.findall(text))
    parts = [_ABOUT, *(_view(view) for view in VIEWS.values()), "## How fresh they are"]
    parts.append(
        table(
            ["view", "says"],
            [
                [code(f"huike.{n}"), said[f"huike.{n}"]]
                for n in ("checkpoint", "freshness", "trouble")
            ],
        )
    )
    return document("Tables of the views", *parts)


def tables_of(view: View) -> list[Told]:
    """Return a view's tables, as its `schema.sql` tells them."""
    text = view.schema_sql
    of_table, of_column = dict(_OF_TABLE.findall(text)), _columns_said(text)
    return [
        Told(
            found["name"],
            of_table.get(found["name"]) or _prose(found["before"]),
            list(_columns(found["name"], found["columns"], of_column)),
            _key(found["columns"]),
        )
        for found in _TABLE.finditer(text)
    ]


def _key(body: str) -> tuple[str, ...]:
    found = re.search(r"primary key \((.*)\)", body)
    return tuple(found[1].split(", ")) if found else ()


def _columns_said(text: str) -> dict[tuple[str, str], str]:
    return {(t, c): said for t, c, said in _OF_COLUMN.findall(text)}


def _columns(name: str, body: str, said: dict[tuple[str, str], str]) -> Iterator[Column]:
    for line in body.splitlines():
        found = _COLUMN.match(line)
        if found and found["name"] != "primary":
            told = said.get((name, found["name"])) or found["said"] or ""
            yield Column(found["name"], found["type"], told.replace("''", "'"))


def _prose(comment: str) -> str:
    return " ".join(line.removeprefix("--").strip() for line in comment.splitlines())


def _view(view: View) -> str:
    text = view.schema_sql
    head = re.match(r"(?:^--[^\n]*\n)+", text)
    parts = [f"## {view.name}", _prose(head[0]) if head else "", f"Version {view.version}."]
    known = {t.name: t for t in view.tables}
    for told in tables_of(view):
        sealed, key = _marked(known.get(told.name), told)
        rows = [
            [
                code(c.name),
                c.type,
                "key" if c.name in key else "sealed" if c.name in sealed else "",
                c.said,
            ]
            for c in told.columns
        ]
        parts.append(f"### huike.{told.name}\n\n{told.said.replace(chr(39) * 2, chr(39))}")
        parts.append(table(["column", "type", "", "meaning"], rows))
    return "\n\n".join(part for part in parts if part)


def _marked(known: Table[Any] | None, told: Told) -> tuple[Collection[str], Collection[str]]:
    """Return which columns are sealed, and which are the key; totals have no rows of a fold."""
    if known is None:
        return (), told.key
    row = known.row
    sealed = {f.name for f in msgspec.structs.fields(row) if is_personal(_hint(row, f.name))}
    return sealed, known.key


def _hint(row: type[msgspec.Struct], name: str) -> object:
    return get_type_hints(row, include_extras=True)[name]
