"""Puts a past into a log, quicker than through its doors: facts translated as they are there."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Final

import msgspec

from commands.shop import Door, Sent, translate
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Draft, Receipt
from infra.event_store import EventLog
from infra.keyring import Keyring
from infra.postgres import KEEPER, pool
from infra.sealing import PersonKeys
from infra.settings import Settings
from tests.bench import story

NAME: Final = "shop"
SOURCE: Final = "site"
ACTOR: Final = Actor("key", "bench")

_TOGETHER: Final = 40
_WAITING: Final = 150

_encode: Final = msgspec.json.Encoder().encode


@contextmanager
def log_of(settings: Settings) -> Iterator[EventLog]:
    assert settings.log_url is not None
    with (
        pool(settings.log_url, KEEPER, size=2) as keys,
        closing(
            EventLog(settings.log_url, PersonKeys(keys, Keyring.open(settings.keyring_file)))
        ) as log,
    ):
        yield log


def record(settings: Settings, told: Iterable[Sequence[Draft]]) -> None:
    """Append facts, many messages' at once, without waiting for each."""
    with log_of(settings) as log:
        drafts: list[Draft] = []
        futures: list[Future[Receipt]] = []

        def append() -> None:
            facts = tuple(drafts)
            drafts.clear()
            futures.append(log.submit(Append(facts=facts, actor=ACTOR, shop=NAME, source=SOURCE)))
            if len(futures) >= _WAITING:
                futures.pop(0).result()

        for number, facts in enumerate(told, 1):
            drafts += facts
            if number % _TOGETHER == 0:
                append()
        if drafts:
            append()
        for future in futures:
            future.result()


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a shop's past: how many events, of how many customers, from when until when."""

    seed: str
    events: int
    customers: int
    ending: datetime
    lasting: timedelta


def fill(settings: Settings, past: Past) -> None:
    """Translate a part of a past and append it."""
    ids = Ids(Keyring.open(settings.keyring_file).secret)
    door = Door(shop=NAME, source=SOURCE, actor=ACTOR, received_at=past.ending)
    told = story.messages(
        past.events,
        customers=past.customers,
        seed=past.seed,
        ending=past.ending,
        lasting=past.lasting,
    )
    sent = (Sent(raw=_encode(message), message_id=message["messageId"]) for message in told)
    record(settings, (translate(one, door, ids).facts for one in sent))
