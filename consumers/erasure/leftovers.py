"""What is left of somebody who was forgotten: each place is looked through, and tried to open."""

from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from typing import Any, Final
from uuid import UUID

from psycopg import sql

from consumers.checks import Check
from consumers.erasure.purging import answers_before
from consumers.opened import Opened
from domain.shared.events import Fact
from domain.shared.personal import ERASED
from infra.access_log import Reads
from infra.erasure_certificate import CertifiedErasure
from infra.originals import Originals
from infra.postgres import KEEPER, WRITER, Connection, Pool, connect, pool
from infra.refused import walked
from projections import catalogue
from projections.marks import Marks
from projections.runtime import schema
from projections.runtime.columns import GONE, personal_columns
from projections.sought import Sought

_TELLING: Final = ("_mask", "_index")
"""How columns end that are made of what is sealed."""

_KEYS: Final = """
select count(*) filter (where wrapped is not null), count(*) filter (where wrapped is null)
from keeper.person_key where identity = any(%s)
"""
_JOINED: Final = """
select count(*) from log.membership
where identity = any(%(whose)s) and customer <> all(%(whose)s) and since > %(after)s
"""
_ORIGINALS: Final = "select position from log.original where origin = any(%s) order by position"
_THEM: Final = UUID(int=0)


def leftovers(here: Opened, certified: CertifiedErasure, facts: Sequence[Fact]) -> Iterator[Check]:
    """Look through every place that a certificate speaks of; `facts` are those of whom it is."""
    identities = [key.identity for key in certified.keys]
    log_url = here.settings.log_url
    assert log_url is not None
    with closing(connect(log_url, KEEPER)) as keeper:
        yield _keys(keeper, identities)
    yield _facts(certified, facts)
    with pool(log_url, WRITER, size=2) as writer:
        yield _originals(here, writer, certified, identities)
        with writer.connection() as connection:
            yield _joined(connection, certified, identities)
            yield _refused(here, connection, identities)
            yield _answers(connection, certified, identities)
        yield _reasons(here, writer, identities)
    yield _views(here, identities)


def _keys(keeper: Connection, identities: Sequence[UUID]) -> Check:
    left, destroyed = keeper.execute(_KEYS, (identities,)).fetchone() or (0, 0)
    if left or destroyed == len(identities):
        return Check("keys", f"{left} of {len(identities)} are there", good=not left)
    unknown = len(identities) - destroyed
    return Check("keys", f"of {unknown} it is not known that they are destroyed", good=False)


def _joined(
    connection: Connection, certified: CertifiedErasure, identities: Sequence[UUID]
) -> Check:
    """Check that nobody turned out to be one of them; while it went on, a visitor might."""
    asked = {"whose": list(identities), "after": certified.position}
    (joined,) = connection.execute(_JOINED, asked).fetchone() or (0,)
    found = f"{joined} of {len(identities)} turned out to be somebody else since"
    return Check("identities", found, good=not joined)


def _facts(certified: CertifiedErasure, facts: Sequence[Fact]) -> Check:
    open_ = sum(map(_opens, facts))
    if open_:
        return Check("facts", f"{open_} of {len(facts)} open", good=False)
    there = [it for it in facts if certified.first <= it.position <= certified.last]
    if len(there) != certified.facts and facts and facts[-1].position >= certified.position:
        found = f"{len(there)} are there, where {certified.facts} are certified"
        return Check("facts", found, good=False)
    return Check("facts", f"0 of {len(facts)} open")


def _opens(fact: Fact) -> bool:
    """Tell whether anything of a fact that says who somebody is can be read."""
    event: Any = fact.event
    stored = getattr(type(event), "stored", None)
    values = (getattr(event, name) for name in stored.personal) if stored else ()
    return any(value is not None and value is not ERASED for value in values)


def _originals(
    here: Opened, writer: Pool, certified: CertifiedErasure, identities: Sequence[UUID]
) -> Check:
    with writer.connection() as connection:
        kept = [row[0] for row in connection.execute(_ORIGINALS, (identities,)).fetchall()]
    originals = Originals(writer, here.sealer)
    open_ = sum(originals.find(position).message is not None for position in kept)
    if not open_ and len(kept) > certified.originals:  # retention may leave fewer
        found = f"{len(kept)} are there, where {certified.originals} are certified"
        return Check("messages as sent", found, good=False)
    return Check("messages as sent", f"{open_} of {len(kept)} open", good=not open_)


def _refused(here: Opened, connection: Connection, identities: Sequence[UUID]) -> Check:
    marks, read, named = Marks(frozenset(identities)), 0, 0
    for (shop,) in connection.execute("select distinct shop from log.refused").fetchall():
        sought = Sought(here.ids, {_THEM: (shop, marks)})
        for chunk in walked(lambda: nullcontext(connection), here.sealer, shop):
            messages = [message for _, message in chunk if message is not None]
            read += len(messages)
            named += sum(bool(sought.named(message, shop)) for message in messages)
    return Check("refused events", f"{named} of {read} name them", good=not named)


def _answers(
    connection: Connection, certified: CertifiedErasure, identities: Sequence[UUID]
) -> Check:
    kept = answers_before(connection, {*identities, certified.customer}, certified.made_at)
    return Check("answers and jobs", f"{kept} are about them", good=not kept)


def _reasons(here: Opened, writer: Pool, identities: Sequence[UUID]) -> Check:
    opened = [it.reason is not None for it in Reads(writer, here.sealer).of(identities)]
    told = f"{sum(opened)} of {len(opened)} open"
    return Check("reasons of reads", told, good=not any(opened))


def _views(here: Opened, identities: Sequence[UUID]) -> Check:
    if here.views.execute("select to_regclass('views.active')").fetchone() == (None,):
        return Check("views", "none were made yet")
    told = sorted(_shown(here, identities))
    return Check("views", ", ".join(told) or "say nothing of who it was", good=not told)


def _shown(here: Opened, identities: Sequence[UUID]) -> Iterator[str]:
    """Yield the columns in which something of somebody stands, whether or not it opens."""
    for view in catalogue.VIEWS.values():
        served = schema.active(here.views, view.name)
        if served is None:
            continue
        for table in view.tables:
            sealed = personal_columns(table)
            for column in table.columns:
                if column in sealed or column.endswith(_TELLING):
                    statement = sql.SQL(
                        "select from {table} where {subject} = any(%s) and {column} {left} limit 1"
                    ).format(
                        table=sql.Identifier(served.schema, table.name),
                        subject=sql.Identifier(table.key[0]),
                        column=sql.Identifier(column),
                        left=sql.SQL("<> {}").format(GONE)
                        if column in sealed
                        else sql.SQL("is not null"),
                    )
                    if here.views.execute(statement, (list(identities),)).rowcount > 0:
                        yield f"{table.name}.{column}"
