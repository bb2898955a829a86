"""A rebuild: the next generation beside the one that is served, compared with it, then swapped."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
import psycopg

from domain.shared.hands import hands_for
from domain.shared.log import Head, Reader
from domain.shared.personal import Sealer
from projections.projection import View
from projections.runtime import schema
from projections.runtime.batch import Goal, Place
from projections.runtime.build import Indexes, Part
from projections.runtime.compare import Compared, StoredRows
from projections.runtime.emptying import empty
from projections.runtime.live import LiveView
from projections.runtime.schema import Generation
from projections.runtime.shadow import Shadow

LOCK: Final = 4_851_202
"""Held by whoever makes generations: one at a time."""
_SWAP_TRIES: Final = 20

Connection = psycopg.Connection[Any]
Open = Callable[[], Connection]


class RebuildRunning(Exception):
    """Another rebuild is going on; one is made at a time."""


class SwapBusy(Exception):
    """The tables were in use for so long that the swap was given up; nothing has changed."""


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild came to."""

    generation: Generation
    facts: int
    compared: Compared
    swapped: bool


class Rebuild:
    """Rebuilds one view. Connections are in autocommit, in the role `huike_views`.

    `build` has the parts built, in other processes say, and returns what each part's slots share.
    """

    def __init__(
        self,
        opening: Open,
        view: View,
        sealer: Sealer,
        reader: Reader,
        slots: int,
    ) -> None:
        self._open = opening
        self._view = view
        self._sealer = sealer
        self._reader = reader
        self._slots = slots

    def run(
        self,
        build: Callable[[Sequence[Part]], Iterable[bytes]],
        decide: Callable[[Compared], bool],
        *,
        processes: int = 2,
    ) -> Rebuilt:
        """Build, catch up, compare; swap if `decide` says so, else remove what was built.

        Raises RebuildRunning when another one is going on, and what `build` raises.
        """
        with self._open() as connection:
            taken = connection.execute("select pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
            if taken != (True,):
                raise RebuildRunning(str(RebuildRunning.__doc__))
            schema.prepare(connection, [self._view], self._slots)
            served = schema.active(connection, self._view.name)
            assert served is not None
            self._clean(connection, served)
            again = served.generation + 1 if served.version == self._view.version else 1
            generation = Generation.of(self._view, again)
            try:
                return self._run(connection, served, generation, build, decide, processes)
            except Exception:
                with suppress(psycopg.OperationalError):
                    self._tell(connection, generation, "failed", 0)
                raise
            finally:
                with suppress(psycopg.OperationalError):
                    self._clean(connection, schema.active(connection, self._view.name))
                    connection.execute("select pg_advisory_unlock(%s)", (LOCK,))

    def _run(  # noqa: PLR0913, PLR0917  # one after the other, what `run` has made
        self,
        connection: Connection,
        served: Generation,
        generation: Generation,
        build: Callable[[Sequence[Part]], Iterable[bytes]],
        decide: Callable[[Compared], bool],
        processes: int,
    ) -> Rebuilt:
        head = self._reader.head()
        self._tell(connection, generation, "building", head.position)
        with connection.transaction():
            schema.create(connection, self._view, generation, self._slots)
            indexes = Indexes(connection, self._view, generation.schema)
            indexes.put_aside()
        shared = list(build(self._parts(generation, head, processes)))
        indexes.put_back()
        place = Place(
            position=head.position,
            clock=head.clock,
            shared=schema.decode_shared(self._view, shared[0]),
        )
        schema.save_places(connection, generation, dict.fromkeys(range(self._slots), place))
        self._tell(connection, generation, "comparing", head.position)
        with self._open() as other:
            shadow = Shadow(other, self._view, self._sealer, self._reader, self._slots)
            shadow.attach(generation)
            compared = self._compare(served, shadow, head)
            swapped = decide(compared)
            if swapped:
                self._swap(connection, served, shadow)
        self._tell(connection, generation, "served" if swapped else "left", head.position)
        return Rebuilt(
            generation=generation, facts=head.position, compared=compared, swapped=swapped
        )

    def _parts(self, generation: Generation, head: Head, processes: int) -> list[Part]:
        parts = min(self._slots, processes)
        return [
            Part(
                generation=generation,
                slots=tuple(range(part, self._slots, parts)),
                of=self._slots,
                hands=hands_for(head.position // parts),
                upto=head.position,
                clock=head.clock,
            )
            for part in range(parts)
        ]

    def _compare(self, served: Generation, shadow: Shadow, head: Head) -> Compared:
        """Bring the new generation to where a snapshot of the served one is, and compare."""
        with self._open() as snapshot, snapshot.transaction():
            snapshot.execute("set transaction isolation level repeatable read, read only")
            snapshot.execute("set local idle_in_transaction_session_timeout to 0")
            live = LiveView(snapshot, self._view, self._sealer, self._reader, self._slots)
            live.attach(served, prepare=False)
            try:
                places = live.places(range(self._slots))
                stored = StoredRows(snapshot, self._view, served.schema, self._sealer)
            except (ValueError, msgspec.ValidationError):
                return Compared(why_not=f"version {served.version} has other tables")
            behind = min(p.position for p in places.values())
            if behind < head.position:
                return Compared(
                    why_not=f"the served view is at {behind}, the log was at {head.position}"
                )
            shadow.bring({s: Goal(position=p.position, clock=p.clock) for s, p in places.items()})
            return shadow.compare(stored, places)

    def _swap(self, connection: Connection, served: Generation, shadow: Shadow) -> None:
        for _ in range(_SWAP_TRIES):
            shadow.follow()
            with suppress(psycopg.errors.LockNotAvailable):
                with connection.transaction():
                    connection.execute("set local lock_timeout to '2s'")
                    connection.execute(
                        "select from views.active where view = %s for update", (self._view.name,)
                    )
                    live = LiveView(connection, self._view, self._sealer, self._reader, self._slots)
                    live.attach(served, prepare=False)
                    shadow.bring(live.goals())
                    if shadow.erased:
                        empty(connection, self._view, shadow.generation.schema, shadow.erased)
                    schema.serve(connection, self._view, shadow.generation)
                    connection.execute(
                        "delete from views.trouble where view = %s", (self._view.name,)
                    )
                return
        raise SwapBusy(str(SwapBusy.__doc__))

    def _clean(self, connection: Connection, served: Generation | None) -> None:
        """Remove every generation of the view that is not served."""
        found = connection.execute(
            "select view, version, generation from views.checkpoint where view = %s "
            "group by view, version, generation",
            (self._view.name,),
        ).fetchall()
        for about in found:
            generation = Generation.named(*about)
            if generation != served:
                with suppress(psycopg.errors.LockNotAvailable), connection.transaction():
                    connection.execute("set local lock_timeout to '10s'")
                    schema.drop(connection, generation)

    def _tell(self, connection: Connection, generation: Generation, state: str, total: int) -> None:
        connection.execute(
            "insert into views.rebuild (view, version, generation, schema, state, position, total) "
            "values (%s, %s, %s, %s, %s, %s, %s) on conflict (view) do update set "
            "version = excluded.version, generation = excluded.generation, "
            "schema = excluded.schema, state = excluded.state, position = excluded.position, "
            "total = excluded.total, changed_at = clock_timestamp(), "
            "facts = case when excluded.state = 'building' then 0 else rebuild.facts end, "
            "started_at = case when excluded.state = 'building' then clock_timestamp() "
            "else rebuild.started_at end",
            (*generation.key, generation.schema, state, total, total),
        )


def remove_left(connection: Connection) -> None:
    """Remove what killed rebuilds left, of any view, unless one goes on now."""
    left = connection.execute(
        "select distinct view, version, generation from views.checkpoint c where not exists ("
        "select from views.active a where (a.view, a.version, a.generation) "
        "= (c.view, c.version, c.generation))"
    ).fetchall()
    for about in left:
        with suppress(psycopg.errors.LockNotAvailable), connection.transaction():
            taken = connection.execute("select pg_try_advisory_xact_lock(%s)", (LOCK,)).fetchone()
            generation = Generation.named(*about)
            if taken == (True,) and schema.active(connection, generation.view) != generation:
                connection.execute("set local lock_timeout to '10s'")
                schema.drop(connection, generation)
