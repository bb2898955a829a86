"""Where views live: a schema a generation, served through `huike.*` of the one that is active."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row

from projections.projection import View
from projections.runtime import packing
from projections.runtime.batch import Place

Connection = psycopg.Connection[Any]

OLDEST: Final = datetime(1, 1, 1, tzinfo=UTC)
"""The clock of a slot that has seen nothing."""

_ADVANCE: Final = (
    "select views.advance(%s, %s, %s, %s, %s::int[], %s::bigint[], %s::timestamptz[], "
    "%s::bigint[], %s::timestamptz[], %s::bytea[])"
)
_ACTIVE: Final = "select view, version, generation, schema from views.active where view = %s"
_HELD: Final = f"{_ACTIVE} for share"
_WALKED: Final = (
    "(select attnum from pg_attribute where attname = 'walked' "
    "and attrelid = to_regclass('huike.checkpoint'))"
)
_LOCK: Final = 4851201  # one process at a time changes schemas
_ROLES: Final = ("huike_views", "huike_reader")


class Generation(msgspec.Struct, frozen=True):
    """One building of a view's tables: a version of its rules, built for the n-th time."""

    view: str
    version: int
    generation: int
    schema: str

    @staticmethod
    def of(view: View, generation: int) -> "Generation":
        """Name the n-th generation: `<view>_v<version>`, from the second on with `_<n>`."""
        return Generation.named(view.name, view.version, generation)

    @staticmethod
    def named(view: str, version: int, generation: int) -> "Generation":
        suffix = f"_{generation}" if generation > 1 else ""
        return Generation(view, version, generation, f"{view}_v{version}{suffix}")

    @property
    def key(self) -> tuple[str, int, int]:
        return self.view, self.version, self.generation


def install(connection: Connection) -> None:
    """Make roles and the runtime's own tables, unless they are there.

    The connection is in autocommit and belongs to somebody who may create roles and schemas.
    """
    if _installed(connection):
        return
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        for role in _ROLES:
            _make_role(connection, role)
        name = connection.info.dbname
        connection.execute(
            sql.SQL("grant create on database {} to huike_views").format(sql.Identifier(name))
        )
        text = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
        connection.execute(text.encode())


def _installed(connection: Connection) -> bool:
    """Say whether all is there; a restored database has the tables, but not its own grants."""
    for found in ("to_regclass('huike.trouble')", "to_regproc('views.advance')", _WALKED):
        if connection.execute(f"select {found}".encode()).fetchone() == (None,):
            return False
    may = "select has_database_privilege('huike_views', current_database(), 'create')"
    return connection.execute(may).fetchone() == (True,)


def _make_role(connection: Connection, role: str) -> None:
    names = {"role": sql.Identifier(role)}
    taken = (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation)
    with suppress(*taken), connection.transaction():
        connection.execute(sql.SQL("create role {role} nologin").format(**names))
    found = connection.execute("select pg_has_role(current_user, %s, 'member')", (role,)).fetchone()
    if found != (True,):
        connection.execute(sql.SQL("grant {role} to current_user").format(**names))


class OtherSlots(Exception):
    """The views have another number of slots: set HUIKE_SLOTS to it, or run `huike slots`."""


def prepare(connection: Connection, views: Iterable[View], slots: int) -> None:
    """Make each view's first generation and serve it, unless one is served already.

    The connection is in autocommit and in the role `huike_views`. Raises OtherSlots.
    """
    for view in views:
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            if active(connection, view.name) is None:
                generation = Generation.of(view, 1)
                create(connection, view, generation, slots)
                serve(connection, view, generation)
    found = connection.execute("select slots from huike.freshness where slots <> %s", (slots,))
    if found.fetchone() is not None:
        raise OtherSlots(OtherSlots.__doc__)


def active(connection: Connection, view: str, *, hold: bool = False) -> Generation | None:
    """Return the generation that is served; `hold`: until the transaction ends, no other is."""
    with connection.cursor(row_factory=class_row(Generation)) as cursor:
        return cursor.execute(_HELD if hold else _ACTIVE, (view,)).fetchone()


def create(connection: Connection, view: View, generation: Generation, slots: int) -> None:
    """Make a generation's tables, empty, with every slot at the log's beginning."""
    names = {"schema": sql.Identifier(generation.schema)}
    connection.execute(sql.SQL("create schema {schema}").format(**names))
    connection.execute(sql.SQL("set local search_path to {schema}").format(**names))
    connection.execute(view.schema_sql.encode())
    connection.execute("set local search_path to default")
    start = Place(position=0, clock=OLDEST, shared=view.shared)
    save_places(connection, generation, dict.fromkeys(range(slots), start))


def save_places(connection: Connection, generation: Generation, places: dict[int, Place]) -> None:
    """Write the checkpoints of a generation's slots, new or moved."""
    connection.execute(
        "insert into views.checkpoint (view, version, generation, slot, position, clock, shared) "
        "select %s, %s, %s, * from unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::bytea[]) "
        "on conflict (view, version, generation, slot) do update "
        "set position = excluded.position, clock = excluded.clock, shared = excluded.shared",
        (*generation.key, *_columns(places)),
    )


def advance(
    connection: Connection,
    generation: Generation,
    places: Mapping[int, Place],
    goals: Mapping[int, Place],
    *,
    serving: bool,
) -> None:
    """Move slots from where they were to where they are now.

    `serving`: only while the generation is served. Raises SerializationFailure (psycopg) when that
    is not so, or when somebody else moved them.
    """
    slots = list(goals)
    was, now = [places[slot] for slot in slots], list(goals.values())
    connection.execute(
        _ADVANCE,
        (
            *generation.key,
            serving,
            packing.array("integer", slots),
            packing.array("bigint", [p.position for p in was]),
            packing.array("timestamp with time zone", [p.clock for p in was]),
            packing.array("bigint", [p.position for p in now]),
            packing.array("timestamp with time zone", [p.clock for p in now]),
            packing.array(
                "bytea",
                [
                    None if new.shared is old.shared else encode_shared(new.shared)
                    for old, new in zip(was, now, strict=True)
                ],
            ),
        ),
    )


def _columns(places: dict[int, Place]) -> tuple[list[Any], ...]:
    known: dict[int, bytes] = {}

    def encoded(shared: Any) -> bytes:
        if id(shared) not in known:
            known[id(shared)] = encode_shared(shared)
        return known[id(shared)]

    return (
        list(places),
        [p.position for p in places.values()],
        [p.clock for p in places.values()],
        [encoded(p.shared) for p in places.values()],
    )


_encode: Final = msgspec.json.Encoder(decimal_format="string").encode


def encode_shared(shared: Any) -> bytes:
    return _encode(shared)


def decode_shared(view: View, stored: bytes) -> Any:
    """Return what rows share, as the type of the view's initial value."""
    if view.shared is None:
        return None
    return msgspec.json.decode(stored, type=type(view.shared))


def serve(connection: Connection, view: View, generation: Generation) -> None:
    """Serve a generation: `huike.<table>` shows its tables from the commit on."""
    for table in (*(t.name for t in view.tables), *view.totals):
        names = {
            "name": sql.Identifier("huike", table),
            "table": sql.Identifier(generation.schema, table),
        }
        show = sql.SQL("create or replace view {name} as select * from {table}").format(**names)
        try:
            with connection.transaction():
                connection.execute(show)
        except psycopg.errors.InvalidTableDefinition:  # other columns than before
            connection.execute(sql.SQL("drop view {name}").format(**names))
            connection.execute(show)
        connection.execute(sql.SQL("grant select on {name} to huike_reader").format(**names))
    connection.execute(
        "insert into views.active (view, version, generation, schema) values (%s, %s, %s, %s) "
        "on conflict (view) do update set version = excluded.version, "
        "generation = excluded.generation, schema = excluded.schema, since = clock_timestamp()",
        (*generation.key, generation.schema),
    )


def drop(connection: Connection, generation: Generation) -> None:
    """Remove a generation that is not served, wherever its making ended."""
    connection.execute(
        sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(generation.schema))
    )
    connection.execute(
        "delete from views.checkpoint where (view, version, generation) = (%s, %s, %s)",
        generation.key,
    )
