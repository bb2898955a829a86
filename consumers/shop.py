"""The shops' door over Kafka: from `shop.events` to the log; what is refused is kept, and told."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

import psycopg
import structlog
from kafka import KafkaConsumer
from kafka.errors import CommitFailedError, KafkaError
from psycopg_pool import PoolTimeout

from commands.shop import NotTaken, nobodys, nobodys_orders, refusal_of
from commands.shop.record import Record
from commands.shop.refusals import NotRecorded
from consumers.dead_letters import DeadLetters
from consumers.hearing import Ear, record_of
from consumers.outcomes import Done, Ignored, Outcome, Refused, Retry
from consumers.packed import bound_unpacking
from consumers.torn import Lookout
from domain.shared.ids import Ids
from domain.shared.log import LogUnavailable, Receipt
from infra.event_store import EventLog
from infra.holders import keeper_pool
from infra.kafka import client
from infra.keyring import Keyring
from infra.postgres import WRITER, pool
from infra.refused import Refusals
from infra.sealing import PersonKeys
from infra.settings import Settings

GROUP: Final = "{topic}.ingest"
BATCH: Final = 2_000
POLL_MS: Final = 500
PATIENCE: Final = 60.0
AGAIN_SECONDS: Final = 1.0

log = structlog.get_logger()


def run_shop(settings: Settings, stop: threading.Event, group: str | None = None) -> None:
    """Take what shops publish until `stop` is set; begin again when a server is lost."""
    assert settings.log_url is not None
    assert settings.kafka_bootstrap is not None
    pause = 0.1
    while not stop.is_set():
        try:
            with ExitStack() as stack:
                keyring = Keyring.open(settings.keyring_file, settings.vault)
                keeper = stack.enter_context(keeper_pool(settings.log_url, keyring, size=2))
                keys = PersonKeys(keeper, keyring)
                event_log = EventLog(
                    settings.log_url,
                    keys,
                    nobodys=nobodys if settings.takes_as_nobodys else nobodys_orders,
                )
                stack.callback(event_log.close)
                writer = stack.enter_context(pool(settings.log_url, WRITER, size=2))
                ids = Ids(keyring.secret)
                ear = Ear(settings, event_log, ids)
                dead = DeadLetters(settings, Refusals(writer, keys, ids), ids)
                stack.callback(dead.close)
                inbox = consumer(settings, group or GROUP.format(topic=settings.kafka_topic_in))
                stack.callback(inbox.close)
                pause = 0.1
                follow(inbox, ear, dead, stop)
        except (psycopg.OperationalError, PoolTimeout, KafkaError) as error:
            log.warning("shop.lost", error=str(error), again_in=pause)
            stop.wait(pause)
            pause = min(pause * 2, 5.0)


def consumer(settings: Settings, group: str) -> Any:
    """Return a consumer of the shops' topic. Raises KafkaError."""
    bound_unpacking()
    return client(
        partial(KafkaConsumer, settings.kafka_topic_in),
        settings,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_500,
        request_timeout_ms=15_000,
        max_poll_records=BATCH,
        allow_auto_create_topics=False,
    )


def follow(inbox: Any, ear: Ear, dead: DeadLetters, stop: threading.Event) -> None:
    """Poll, have everything recorded, and only then move the offsets."""
    lookout = Lookout(inbox)
    while not stop.is_set():
        torn = None
        try:
            polled = inbox.poll(timeout_ms=POLL_MS)
            records = [
                record_of(raw, raw.topic, raw.partition)
                for batch in polled.values()
                for raw in batch
            ]
        except Exception as error:  # whatever the client makes of bytes that it cannot take apart
            torn = lookout.torn()
            if torn is None:
                raise
            log.warning("shop.torn-batch", partition=torn.partition.partition, error=str(error))
            records = list(torn.records)
        if not records:
            continue
        if not settle(records, ear, dead, stop):
            return
        if torn is not None:
            inbox.seek(torn.partition, torn.next_offset)
        try:
            inbox.commit()
        except CommitFailedError:
            log.warning("shop.rebalanced")  # somebody else takes them again, and finds them taken


def settle(records: Sequence[Record], ear: Ear, dead: DeadLetters, stop: threading.Event) -> bool:
    """Go on until every record is recorded or kept as refused; False when stopped before."""
    waiting = list(records)
    while waiting:
        heard = [ear.hear(record) for record in waiting]
        outcomes = [outcome_of(one.answer) for one in heard]
        dead.keep(
            [
                (one, outcome.why)
                for one, outcome in zip(heard, outcomes, strict=True)
                if isinstance(outcome, Refused) and isinstance(outcome.why, NotTaken)
            ]
        )
        pauses = [outcome.after for outcome in outcomes if isinstance(outcome, Retry)]
        waiting = [
            record
            for record, outcome in zip(waiting, outcomes, strict=True)
            if isinstance(outcome, Retry)
        ]
        if pauses and stop.wait(max(pauses)):
            return False
    return True


def outcome_of(answer: "Future[Receipt] | NotTaken") -> Outcome:
    """Return what became of a message, once the log has answered."""
    if isinstance(answer, NotTaken):
        return Refused(answer)
    try:
        receipt = answer.result(PATIENCE)
    except (LogUnavailable, TimeoutError):
        return Retry(AGAIN_SECONDS)
    except Exception as error:  # what it is, refusal_of says
        why = refusal_of(error)
        if isinstance(why, NotRecorded):
            log.exception("shop.not-recorded")
        return Refused(why)
    return Ignored() if receipt.duplicate else Done()
