"""What is destroyed besides keys: refused events, kept answers, sealed columns; of many at once."""

from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg

from infra.jobs import begin_anew
from infra.refused import walked
from infra.sealing import PersonKeys
from projections.projection import View
from projections.runtime import schema
from projections.runtime.emptying import empty
from projections.runtime.rebuild import remove_left
from projections.sought import Sought

Connection = psycopg.Connection[Any]
Whose = Mapping[UUID, Collection[UUID]]
"""All that somebody is known by, by the erasure that they asked for."""

_WANTED: Final = """
update log.refused r set purged_for = array(select distinct unnest(r.purged_for || n.whom))
from (select event, array_agg(whom) as whom
      from unnest(%s::uuid[], %s::uuid[]) as n(event, whom) group by event) as n
where r.id = n.event
"""
_GONE: Final = """
with gone as (delete from log.refused where id = any(%s) returning purged_for),
counted as (
  update log.erasure e set refused = e.refused + t.events
  from (select whom, count(*) as events from gone, unnest(purged_for) as whom group by whom) as t
  where e.erasure = t.whom)
select count(*) from gone
"""

_SAID: Final = "[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_ADDRESSED: Final = "encode(substring(i.answer from 8 for 36), 'escape')"
"""The id with which an answer begins, of what the command was about."""

_ANSWERS: Final = f"""
select i.key, w.whom from log.idempotency i
  cross join lateral regexp_matches(encode(i.answer, 'escape'), '{_SAID}', 'g') as said(ids)
  join whose w on w.identity = said.ids[1]::uuid
union
select i.key, w.whom from whose w
  join log.fact f on f.origin = w.identity join log.idempotency i using (position)
union
select i.key, w.whom from log.idempotency i
  join log.stream s on s.id = case when {_ADDRESSED} ~ '^{_SAID}$' then {_ADDRESSED}::uuid end
  join whose w on w.identity = s.origin
where i.position is null
"""  # noqa: S608  # constants
"""Answers that name somebody, that are of facts of theirs, or of asking for what was so already."""

_JOBS: Final = f"""
select distinct j.id, w.whom from log.job j
  cross join lateral regexp_matches(concat(j.asked, ' ', j.answer), '{_SAID}', 'g') as said(ids)
  join whose w on w.identity = said.ids[1]::uuid
where j.finished_at is not null
"""  # noqa: S608  # constants

_ANYBODY: Final = UUID(int=0)


class _Kept(NamedTuple):
    """A table of answers: its key, since when they were read, and whom they are about."""

    table: str
    key: str
    since: str
    about: str

    @property
    def named(self) -> str:
        return f"""
        with whose as (select * from unnest(%(erasures)s::uuid[], %(identities)s::uuid[])
                       as w(whom, identity)),
        about as ({self.about})
        """  # noqa: S608  # constants


_KEPT: Final = (
    _Kept("log.idempotency", "key", "created_at", _ANSWERS),
    _Kept("log.job", "id", "coalesce(began_at, created_at)", _JOBS),
)


def purge_refused(connection: Connection, keys: PersonKeys, sought: Sought) -> int:
    """Delete the refused events that name people who are sought, keys first; return how many.

    Each is counted with the erasures of all whom it names, also if it is broken off in between.
    With them go those that nothing opens: of one that was broken off, and of a backup from before.
    """
    gone = 0
    shop = min(sought.shops, default="")
    everywhere = sought.are_everywhere or len(sought.shops) > 1
    for chunk in walked(lambda: nullcontext(connection), keys, shop, everywhere=everywhere):
        closed = [event.id for event, message in chunk if message is None]
        named = [
            (event.id, whom)
            for event, message in chunk
            if message is not None
            for whom in sought.named(message, event.shop)
        ]
        theirs = [*{event for event, _ in named}, *closed]
        if theirs:
            connection.execute(_WANTED, ([event for event, _ in named], [it for _, it in named]))
            keys.forget_refused(theirs)
            row = connection.execute(_GONE, (theirs,)).fetchone()
            gone += row[0] if row else 0
    return gone


def purge_answers(connection: Connection, whose: Whose) -> Mapping[UUID, int]:
    """Delete answers that are kept to be given again, and jobs; return how many name whom.

    Jobs that are worked on are begun anew: what they have read by now may be of these people. Call
    it in a transaction, so that none is done in between.
    """
    begin_anew(connection)
    purged: Counter[UUID] = Counter()
    for kept in _KEPT:
        deleted = connection.execute(
            f"{kept.named}, gone as ("  # noqa: S608  # constants
            f"delete from {kept.table} where {kept.key} in (select {kept.key} from about))"
            " select whom, count(*) from about group by whom",
            _asked(whose),
        )
        purged.update(dict(deleted.fetchall()))
    return purged


def answers_before(connection: Connection, identities: Collection[UUID], before: datetime) -> int:
    """Count those that `purge_answers` would delete, of what was read before an instant."""
    asked = {**_asked({_ANYBODY: identities}), "before": before}
    return sum(
        connection.execute(
            f"{kept.named} select from {kept.table}"  # noqa: S608  # constants
            f" where {kept.key} in (select {kept.key} from about) and {kept.since} < %(before)s",
            asked,
        ).rowcount
        for kept in _KEPT
    )


def _asked(whose: Whose) -> dict[str, Any]:
    named = [(whom, identity) for whom, known in whose.items() for identity in known]
    return {"erasures": [it for it, _ in named], "identities": [it for _, it in named]}


def purge_columns(
    views: Connection, catalogue: Mapping[str, View], identities: Collection[UUID]
) -> dict[str, Mapping[UUID, int]]:
    """Empty people's sealed columns, which nothing opens; return rows by column and whose.

    A rebuild that goes on empties its own before they are served; what a killed one left goes.
    """
    purged: dict[str, Mapping[UUID, int]] = {}
    for view in catalogue.values():
        with views.transaction():
            served = schema.active(views, view.name, hold=True)  # a swap before or after it
            if served is not None:
                purged |= empty(views, view, served.schema, identities)
    remove_left(views)
    return purged
