"""What was refused from the shops' topic: in the table, and sealed in a topic of its own."""

from collections.abc import Sequence
from typing import Any, Final

from kafka import KafkaProducer

from commands.shop import NotTaken
from commands.shop.parcel import pack_refused
from commands.shop.refusals import Forgotten
from consumers.hearing import Heard
from domain.shared.ids import Ids
from infra.kafka import producer
from infra.refused import Packet, Refusal, Refusals
from infra.settings import Settings

PATIENCE: Final = 60.0


class DeadLetters:
    """Keeps what was refused: in the table, and sealed in a topic for whoever watches it."""

    def __init__(self, settings: Settings, refusals: Refusals, ids: Ids) -> None:
        self._topic = settings.kafka_topic_dead
        self._refusals = refusals
        self._ids = ids
        self._out: KafkaProducer = producer(settings)

    def keep(self, refused: Sequence[tuple[Heard, NotTaken]]) -> None:
        """Keep refused records, each under an id of its own for ever; none of the forgotten.

        Raises KafkaError, psycopg.OperationalError when they cannot be kept just now.
        """
        wanted = [
            (one, self._about(one, why))
            for one, why in refused
            if not isinstance(why, Forgotten)  # whoever was forgotten is not kept either
        ]
        if not wanted:
            return
        kept = self._refusals.keep(
            [(about, _packet(one, pack_refused(one.sent))) for one, about in wanted]
        )
        letters = [(one, about) for one, about in wanted if about.id in kept]
        sealed = self._refusals.seal_again(
            [(about, _packet(one, one.record.value)) for one, about in letters]
        )
        sent = [
            self._send(one, about, content)
            for (one, about), content in zip(letters, sealed, strict=True)
            if content is not None
        ]
        for future in sent:
            future.get(PATIENCE)

    def _about(self, one: Heard, why: NotTaken) -> Refusal:
        door = one.door
        return Refusal(
            id=self._ids.derive(door.shop, "refused", one.record.fingerprint),
            received_at=door.received_at,
            shop=door.shop,
            source=door.source,
            door="kafka",
            reason=why.code,
            detail=str(why),
            place=one.record.place,
            correlation=door.correlation,
        )

    def _send(self, one: Heard, about: Refusal, sealed: bytes) -> Any:
        record = one.record
        headers = {
            "huike-refused": about.id,
            "huike-reason": about.reason,
            "huike-detail": about.detail,
            "huike-shop": about.shop,
            "huike-source": about.source,
            "huike-received": about.received_at.isoformat(),
            "huike-topic": record.topic,
            "huike-partition": record.partition,
            "huike-offset": record.offset,
            "content-type": "application/octet-stream",
        }
        return self._out.send(
            self._topic,
            value=sealed,
            headers=[(name, str(value).encode()) for name, value in headers.items()],
        )

    def close(self) -> None:
        """Send what waits, and let go of the broker."""
        self._out.close(timeout=5)


def _packet(one: Heard, message: bytes) -> Packet:
    return Packet(message=message, currency=one.door.currency, system=one.door.system)
