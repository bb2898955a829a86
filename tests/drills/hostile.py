"""Hostile input at every door: nonsense, and real messages with something wrong."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from http import HTTPStatus
from typing import Any, Self, TypeVar
from uuid import UUID

import httpx2
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis
from hypothesis.strategies import SearchStrategy

from api.errors import slug_of
from api.turned_away import STATUS
from commands.shop import NotTaken, translate
from commands.shop.record import Record, message_of
from consumers.hearing import Ear
from domain.shared.ids import Ids
from domain.shared.refusals import Refused
from infra.event_store import EventLog
from infra.kafka import producer
from infra.keyring import Keyring
from infra.keys import Scope
from infra.postgres import KEEPER, WRITER, connect, pool
from infra.sealing import PersonKeys
from infra.settings import Settings
from tests.cli.running import Installation, await_that
from tests.drills import spoilt
from tests.drills.asked import ask, follow
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.looking import settle, verify
from tests.keys import make_key

BATCH = 40
STEPS = 20
T = TypeVar("T")


def run(ground: Ground, found: Findings) -> None:
    """Send nonsense by HTTP and Kafka, ask for it, and look what is kept of it."""
    more = {"HUIKE_LOG_URL": ground.database(ground.postgres())}
    if not ground.short:
        more |= ground.with_kafka(ground.kafka())
    installation = ground.installation(**more)
    with ExitStack() as stack:
        if not ground.short:
            assert installation.run("topics").returncode == 0
        installation.await_ready(stack.enter_context(installation.running("serve")))
        stack.enter_context(installation.running("work", "views"))
        here = settings_of(installation)
        tally = Tally()
        secret, *_ = _secrets(here, [(Scope.INGEST,)])
        with installation.client(secret) as shop:
            _each(ground.of(500, 40), spoilt.batches(BATCH), lambda it: tally.batch(shop, it))
            _each(ground.of(4_000, 200), spoilt.requests(), lambda it: tally.request(shop, *it))
        found.note(f"{tally.sent:,} events by HTTP, answered {dict(tally.statuses)}")
        records: list[tuple[bytes, Mapping[str, bytes]]] = []
        _each(ground.of(4_000, 200), spoilt.records(), records.append)
        if not ground.short:
            stack.enter_context(installation.running("work", "relay"))
            stack.enter_context(installation.running("work", "shop"))
        with Records(here) as door:
            for value, headers in records:
                place = None if ground.short else door.publish(value, headers)
                tally.record(door, value, headers, place)
        found.note(f"{len(records):,} records, {'translated' if ground.short else 'published'}")
        found.same("answers that must not be", tally.wrong[:5], [])
        _look_at_kept(found, here, tally, installation)
        settle(here, installation.told())
        verify(found, here)
        _ask_everything(ground, found, installation, here)
        settle(here, installation.told())
        verify(found, here)


class Tally:
    """What was sent, how it was answered, and what must be kept of it."""

    def __init__(self) -> None:
        self.sent = 0
        self.statuses: Counter[int] = Counter()
        self.taken = 0
        self.refused: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._streams: dict[UUID, bytes] = {}

    def batch(self, shop: httpx2.Client, events: list[bytes]) -> None:
        """Send events together; those that are no JSON at all alone."""
        together = [event for event in events if spoilt.is_json(event)]
        for event in events:
            if not spoilt.is_json(event):
                self.request(shop, "/v1/track", {}, event)
        body = b'{"batch":[' + b",".join(together) + b"]}"
        answer = self._answer(shop, "/v1/batch", {}, body)
        if answer is not None and len(answer) != len(together):
            self.wrong.append(f"{len(answer)} results of {len(together)} events")
        self.sent += len(together)

    def request(self, shop: httpx2.Client, path: str, headers: dict[str, str], body: bytes) -> None:
        """Send a request as it is."""
        self._answer(shop, path, headers, body)
        self.sent += 1

    def _answer(
        self, shop: httpx2.Client, path: str, headers: dict[str, str], body: bytes
    ) -> list[Any] | None:
        answer = shop.post(path, content=body, headers=headers)
        self.statuses[answer.status_code] += 1
        if answer.status_code == HTTPStatus.OK:
            results: list[Any] = answer.json()["results"]
            for result in results:
                self._settled(result, body)
            return results
        told = answer.json()
        if answer.status_code not in KNOWN_STATUSES or told["code"] not in CODES:
            self.wrong.append(f"{answer.status_code} {told} for {path} {headers} {body[:300]!r}")
        elif told["code"] in KEPT:
            self.refused[told["code"]] += 1
        return None

    def _settled(self, result: Mapping[str, Any], body: bytes) -> None:
        match result:
            case {"status": "accepted", "duplicate": True}:
                pass
            case {"status": "accepted", "position": int()}:
                self.taken += 1
            case {"status": "rejected", "reason": reason} if reason in KEPT:
                self.refused[reason] += 1
            case _:
                self.wrong.append(f"{result} of {body[:300]!r}")

    def record(
        self, door: "Records", value: bytes, headers: Mapping[str, bytes], place: Any
    ) -> None:
        """Say what must become of a record; nothing of it is kept when it has no place."""
        try:
            stream, content = door.reads(value, headers, place)
        except NotTaken as refusal:
            if refusal.code not in KEPT:
                self.wrong.append(f"{refusal!r} of {value[:300]!r}")
            if place is not None:
                self.refused[refusal.code] += 1
            return
        if place is None:
            return
        if stream not in self._streams:
            self._streams[stream] = content
            self.taken += 1
        elif self._streams[stream] != content:
            self.refused["other-content"] += 1


KEPT = {kind.code for kind in NotTaken.__subclasses__()}
"""Why events are refused, by the list in `docs/reference/refusals.md`."""
CODES = KEPT | {slug_of(kind) for kind in STATUS if issubclass(kind, Refused)}
KNOWN_STATUSES = {status for kind, status in STATUS.items() if status < 429}


class Records:
    """The shops' topic: publishes records, and reads what they say as its consumer does."""

    def __init__(self, here: Settings) -> None:
        self._here = here
        self._open = ExitStack()

    def __enter__(self) -> Self:
        here = self._here
        assert here.log_url is not None
        keyring = Keyring.open(here.keyring_file)
        keys = PersonKeys(self._open.enter_context(pool(here.log_url, KEEPER)), keyring)
        log = self._open.enter_context(closing(EventLog(here.log_url, keys)))
        self._ids = Ids(keyring.secret)
        self._ear = Ear(here, log, self._ids)
        if here.kafka_bootstrap is not None:
            self._out = self._open.enter_context(closing(producer(here)))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def publish(self, value: bytes, headers: Mapping[str, bytes]) -> Any:
        """Publish a record to the first partition; return where it stands."""
        topic = self._here.kafka_topic_in
        sent = self._out.send(topic, value=value, headers=list(headers.items()), partition=0)
        return sent.get(30)

    def reads(self, value: bytes, headers: Mapping[str, bytes], place: Any) -> tuple[UUID, bytes]:
        """Return the stream and the digest of what a record says. Raises NotTaken."""
        told = {name.lower(): word.decode(errors="replace") for name, word in headers.items()}
        record = Record(
            topic=self._here.kafka_topic_in,
            partition=0,
            offset=place.offset if place else 0,
            time=place.timestamp if place else 0,
            headers=told,
            value=value,
        )
        message = translate(message_of(record), self._ear.door(record), self._ids).message
        assert message is not None
        return message.id, message.content


def _each(times: int, made: SearchStrategy[T], use: Callable[[T], object]) -> None:
    """Use so many made-up inputs."""

    @given(made)
    @hypothesis(
        max_examples=times,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def one(it: T) -> None:
        use(it)

    one()


def _secrets(here: Settings, wanted: list[tuple[Scope, ...]]) -> list[str]:
    return [make_key(here.log_url, "hostile", *scopes)[1] for scopes in wanted]


def _look_at_kept(
    found: Findings, here: Settings, tally: Tally, installation: Installation
) -> None:
    """Claim that what was taken is in the log once, and what was refused kept with its reason."""
    assert here.log_url is not None
    with closing(connect(here.log_url, WRITER)) as connection:

        def kept() -> tuple[int, Counter[str]]:
            (originals,) = connection.execute("select count(*) from log.original").fetchone() or (
                0,
            )
            rows = connection.execute("select reason, count(*) from log.refused group by reason")
            return originals, Counter(dict(rows.fetchall()))

        def all_there() -> bool:
            taken, refused = kept()
            return taken + refused.total() >= tally.taken + tally.refused.total()

        await_that(all_there, installation.told)
        taken, refused = kept()
    found.same("events taken, each in the log once", taken, tally.taken)
    found.same("refused, each kept with its reason", dict(refused), dict(tally.refused))


def _ask_everything(
    ground: Ground, found: Findings, installation: Installation, here: Settings
) -> None:
    """Ask for all that the document offers: with every scope alone, and with all of them.

    Then go on from the answers by its links.
    """
    secrets = _secrets(here, [(scope,) for scope in Scope] + [tuple(Scope)] * len(Scope))
    with installation.client(secrets[-1]) as client:
        document = client.get("/openapi.json").json()
    asked = ask(installation.url, document, secrets, _ids(here), ground.of(20, 2))
    found.note(f"{asked.statuses.total():,} requests made of the document: {dict(asked.statuses)}")
    going_on = secrets[-ground.of(len(secrets), 2) :]
    chain = follow(installation.url, document, going_on, ground.of(8, 4), STEPS)
    found.note(
        f"{chain.statuses.total():,} requests in chains of up to {STEPS}, {chain.followed:,} of "
        f"them by a link: {dict(chain.statuses)}"
    )
    if not ground.short:
        found.claim("links lead on", held=chain.followed > 0)
    wrong = sorted({*asked.wrong, *chain.wrong})
    found.same("answers that are not as the document says", wrong[:20], [])


def _ids(here: Settings) -> list[str]:
    """Return ids of what there is."""
    assert here.log_url is not None
    with closing(connect(here.log_url, WRITER)) as connection:
        rows = connection.execute(
            "select distinct on (type) stream, subject from log.fact order by type, position"
        ).fetchall()
    known = {str(one) for row in rows for one in row if one is not None}
    return [*sorted(known), "user:c1", "number:1001"]


HOSTILE = Drill(
    name="hostile",
    must_hold="Whatever is sent is answered, taken once or refused with a known reason and kept; "
    "all that the API's document offers answers as it says; the views say what the log says.",
    run=run,
)
