"""Tries to open all that is sealed, wherever it stands, with the keys that somebody has."""

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from kafka import KafkaConsumer, TopicPartition
from psycopg import sql

from domain.shared.ids import Ids
from infra import facts_topic
from infra.access_log import AccessLog, Asked
from infra.event_store import LogReader
from infra.event_store.codec import fact_of
from infra.kafka import client
from infra.keyring import Keyring
from infra.originals import Originals
from infra.postgres import KEEPER, OWNER, VIEWS, WRITER, Connection, connect, pool
from infra.refused import Refusals
from infra.sealing import PersonKeys, RefusedEvent
from infra.sealing.periods import context_of as period_context
from infra.settings import Settings
from projections import catalogue
from projections.runtime import schema
from projections.runtime.columns import context_of, personal_columns
from tests.privacy import marks
from tests.privacy.planting import NOBODYS

Marked = Mapping[str, Mapping[int, Counter[str]]]
"""What was read of whom, where: marks by place, person and field."""

_EVERYTHING: Final = 10_000_000


class Keys(NamedTuple):
    """Who has the keys of a database, and a file of what they are wrapped by."""

    url: str
    keyring: Path


class Letter(NamedTuple):
    """A record of a topic."""

    headers: Sequence[tuple[str, bytes]]
    value: bytes


def letters(settings: Settings, topic: str) -> list[Letter]:
    """Read a topic from its beginning to its end."""
    consumer: Any = client(KafkaConsumer, settings, enable_auto_commit=False)
    with closing(consumer):
        partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        found: list[Letter] = []
        while any(consumer.position(p) < end for p, end in ends.items()):
            for batch in consumer.poll(timeout_ms=500).values():
                found += [Letter(record.headers, record.value) for record in batch if record.value]
    return found


def opened(
    url: str, keys: Keys, facts: Sequence[Letter] = (), dead: Sequence[Letter] = ()
) -> Marked:
    """Open all that a database and topics hold, and say what marks could be read."""
    with ExitStack() as stack:
        keyring = Keyring(keys.keyring)
        sealer = PersonKeys(stack.enter_context(pool(keys.url, KEEPER, size=2)), keyring)
        writer = stack.enter_context(pool(url, WRITER, size=2))
        reader = LogReader(url, sealer)
        stack.callback(reader.close)
        refusals = Refusals(writer, sealer, Ids(keyring.secret))
        read: dict[str, Iterable[bytes]] = {
            "facts": (repr(fact.event).encode() for fact in reader.read(0, _EVERYTHING)),
            "messages as sent": _messages(writer, sealer),
            "refused": _refused(refusals),
            "reasons of reads": _reasons(stack.enter_context(closing(AccessLog(writer, sealer)))),
            "views": _columns(stack.enter_context(connect(url, VIEWS)), sealer),
            "topic of facts": _facts(facts, sealer),
            "dead letters": _dead(dead, sealer),
        }
        return {place: _marks(contents) for place, contents in read.items()}


def of(whom: Collection[int], read: Marked) -> dict[str, dict[int, Counter[str]]]:
    """Return what was read of these persons, but for what nobody can tell to be theirs."""
    found: dict[str, dict[int, Counter[str]]] = defaultdict(dict)
    for place, by in read.items():
        for number in by.keys() & whom:
            if theirs := Counter({f: n for f, n in by[number].items() if f not in NOBODYS}):
                found[place][number] = theirs
    return dict(found)


def answers(url: str, keys: str) -> int:
    """Count the answers and jobs that a database keeps about those whose keys are destroyed."""
    with connect(keys, OWNER) as owner:
        gone = [row[0] for row in owner.execute(_GONE)]
    with connect(url, OWNER) as owner:
        told = [f"%{identity}%" for identity in gone]
        row = owner.execute(_ANSWERS, (gone, told)).fetchone()
    assert row is not None
    return int(row[0])


def unwrapped(url: str, keyring: Path) -> int:
    """Try each wrapped key of a database with each epoch key of a file; return how many open."""
    told = json.loads(keyring.read_text())["epochs"].values()
    epochs = [AESGCM(base64.b64decode(key)) for key in told]
    with connect(url, OWNER) as owner:
        wrapped = [(row[0].bytes, row[1]) for row in owner.execute(_PERSONS)]
        wrapped += [(row[0].bytes, row[1]) for row in owner.execute(_REFUSED)]
        wrapped += [(period_context(row[:4]), row[4]) for row in owner.execute(_PERIODS)]
    assert wrapped
    return sum(_unwraps(epoch, key, context) for epoch in epochs for context, key in wrapped)


def _unwraps(epoch: AESGCM, wrapped: bytes, context: bytes) -> bool:
    try:
        epoch.decrypt(wrapped[:12], wrapped[12:], context)
    except InvalidTag:
        return False
    return True


def _marks(contents: Iterable[bytes]) -> Mapping[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for content in contents:
        for number, field in marks.whose(content):
            found[number][field] += 1
    return found


def _messages(writer: Any, sealer: PersonKeys) -> Iterator[bytes]:
    with writer.connection() as connection:
        origins = [row[0] for row in connection.execute("select distinct origin from log.original")]
    for one in Originals(writer, sealer).of(origins, upto=_EVERYTHING):
        if one.message is not None:
            yield bytes(one.message)


def _refused(refusals: Refusals) -> Iterator[bytes]:
    kept = refusals.page(after=None, reason=None, limit=_EVERYTHING)
    for packet in refusals.open(kept).values():
        yield packet.message


def _reasons(reads: AccessLog) -> Iterator[bytes]:
    for read in reads.page(Asked(), _EVERYTHING):
        yield (read.access.reason or "").encode()


def _columns(views: Connection, sealer: PersonKeys) -> Iterator[bytes]:
    """Yield what personal columns hold, of the views that there are."""
    if views.execute("select to_regclass('views.active')").fetchone() == (None,):
        return
    for view in catalogue.VIEWS.values():
        served = schema.active(views, view.name)
        for table in view.tables if served is not None else ():
            assert served is not None
            for column in personal_columns(table):
                context = context_of(view.name, table.name, column)
                rows = views.execute(
                    sql.SQL("select {}, {} from {}").format(
                        sql.Identifier(table.key[0]),
                        sql.Identifier(column),
                        sql.Identifier(served.schema, table.name),
                    )
                ).fetchall()
                sealer.load([subject for subject, _ in rows])
                for subject, sealed in rows:
                    yield (sealed and sealer.open(subject, sealed, context)) or b""


def _facts(records: Sequence[Letter], sealer: PersonKeys) -> Iterator[bytes]:
    rows = [facts_topic.record_of(one.headers, one.value).row for one in records]
    whole = [row for row in rows if row is not None]
    sealer.load([row[7] for row in whole if row[7] is not None])
    for row in whole:
        yield repr(fact_of(row, sealer).event).encode()


def _dead(records: Sequence[Letter], sealer: PersonKeys) -> Iterator[bytes]:
    events = []
    for record in records:
        told = {name.removeprefix("huike-"): value.decode() for name, value in record.headers}
        month = told["received"][:7]
        which = UUID(told["refused"]), told["shop"], told["source"], month
        events.append(RefusedEvent(*which, record.value))
    for plain in sealer.open_refused(events):
        yield plain or b""


_PERSONS: Final = "select identity, wrapped from keeper.person_key where wrapped is not null"
_REFUSED: Final = "select id, wrapped from keeper.refused_key"
_GONE: Final = "select identity from keeper.person_key where wrapped is null"
_ANSWERS: Final = """
select (select count(*) from log.idempotency join log.fact using (position) where origin = any(%s))
  + (select count(*) from log.job where answer::text like any(%s))
"""
_PERIODS: Final = (
    "select purpose, shop, source, period, wrapped from keeper.period_key where wrapped is not null"
)
