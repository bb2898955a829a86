"""Deals customers into another number of slots: the rows stay, the checkpoints are dealt anew."""

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from domain.shared.log import Reader
from domain.shared.personal import Sealer
from projections.projection import View
from projections.runtime import schema
from projections.runtime.batch import Goal, Place
from projections.runtime.rebuild import LOCK, RebuildRunning
from projections.runtime.schema import Generation
from projections.runtime.shadow import Shadow

Connection = psycopg.Connection[Any]


class SlotsApart(Exception):
    """Slots of {view} are not at one place: stop its workers, mend slots that stand still."""


def gather(
    connection: Connection, views: Iterable[View], sealer: Sealer, reader: Reader, slots: int
) -> None:
    """Bring all slots of each view to the log's head. Raises Poisoned, and Moved by a worker."""
    for view in views:
        live = Shadow(connection, view, sealer, reader, slots)
        live.attach()
        head = reader.head()
        live.bring(dict.fromkeys(range(slots), Goal(position=head.position, clock=head.clock)))


def reslot(connection: Connection, views: Iterable[View], slots: int) -> None:
    """Deal anew, all views at once; each becomes its next generation.

    Raises SlotsApart, and RebuildRunning while a view is rebuilt.
    A worker that still runs with the old number finds its generation gone, and stops.
    """
    with connection.transaction():
        taken = connection.execute("select pg_try_advisory_xact_lock(%s)", (LOCK,)).fetchone()
        if taken != (True,):
            raise RebuildRunning(str(RebuildRunning.__doc__))
        for view in views:
            connection.execute("select from views.active where view = %s for update", (view.name,))
            served = schema.active(connection, view.name)
            assert served is not None
            _deal(connection, view, served, slots)
        connection.execute("delete from views.lease")


def _deal(connection: Connection, view: View, served: Generation, slots: int) -> None:
    places = connection.execute(
        "select distinct position, clock, shared, walked from views.checkpoint "
        "where (view, version, generation) = (%s, %s, %s)",
        served.key,
    ).fetchall()
    if len(places) != 1 or places[0][3] is not None:
        raise SlotsApart(str(SlotsApart.__doc__).format(view=view.name))
    position, clock, shared, _ = places[0]
    place = Place(position=position, clock=clock, shared=schema.decode_shared(view, shared))
    dealt = Generation.named(view.name, served.version, served.generation + 1)
    schema.drop(connection, dealt)  # what a rebuild left that was killed
    names = {"old": sql.Identifier(served.schema), "new": sql.Identifier(dealt.schema)}
    connection.execute(sql.SQL("alter schema {old} rename to {new}").format(**names))
    connection.execute(
        "delete from views.checkpoint where (view, version, generation) = (%s, %s, %s)", served.key
    )
    schema.save_places(connection, dealt, dict.fromkeys(range(slots), place))
    schema.serve(connection, view, dealt)
