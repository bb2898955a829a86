"""Kafka: the topics that Huike needs, and how it talks to them."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaTimeoutError, TopicAlreadyExistsError
from kafka.net.compat import KafkaNetClient

from infra.settings import Settings

Client = TypeVar("Client")

_INBOUND_PARTITIONS: Final = 8
_INBOUND_RETENTION: Final = str(3 * 24 * 3600 * 1000)
"""Milliseconds. What shops publish is in the clear: it is kept for three days, not longer."""

_HEARD_SECONDS: Final = 10.0
_ENDED_SECONDS: Final = 20.0
"""For as long a producer's thread may wait for a broker before it hears that it is to end."""


class Producer(KafkaProducer):  # type: ignore[misc]  # the library ships no types
    """A producer that sends nothing more once it is closed.

    The library's own, when it could not send everything in time, raises and goes on: it sends what
    it still holds when a broker comes back, behind whatever somebody else published meanwhile.
    """

    def close(self, timeout: float | None = None, null_logger: bool = False) -> None:  # noqa: FBT001, FBT002  # as the library calls it
        """Send what is left within `timeout` seconds, and give up what no broker took."""
        try:
            super().close(timeout, null_logger)
        except KafkaTimeoutError:
            self._sender.force_close()
            self._sender.join(_ENDED_SECONDS)
            super().close(timeout, null_logger)


def reach(settings: Settings) -> dict[str, Any]:
    """Return how clients find Kafka's brokers, trust them, and log in."""
    assert settings.kafka_bootstrap is not None
    reached: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "security_protocol": settings.kafka_security,
    }
    if settings.kafka_security.endswith("SSL"):
        reached |= {
            "ssl_cafile": _path(settings.kafka_ca),
            "ssl_certfile": _path(settings.kafka_certificate),
            "ssl_keyfile": _path(settings.kafka_certificate_key),
        }
    if settings.kafka_security.startswith("SASL"):
        assert settings.kafka_password is not None
        reached |= {
            "sasl_mechanism": settings.kafka_mechanism,
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return reached


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)


def client(make: Callable[..., Client], settings: Settings, **more: Any) -> Client:
    """Return what `make` makes, one of the library's clients. Raises KafkaError.

    Where no broker answers nothing stays behind; of the library's own a thread and sockets would.
    """
    begun: list[KafkaNetClient] = []

    def network(**given: Any) -> KafkaNetClient:
        begun.append(KafkaNetClient(**given))
        return begun[-1]

    try:
        return make(**reach(settings), kafka_client=network, **more)
    except BaseException:
        for one in begun:
            one.close()
        raise


def producer(settings: Settings, **more: Any) -> Producer:
    """Return an idempotent producer that waits for all replicas."""
    return client(
        Producer,
        settings,
        enable_idempotence=True,
        acks="all",
        linger_ms=5,
        batch_size=262_144,
        delivery_timeout_ms=30_000,
        request_timeout_ms=10_000,
        max_block_ms=20_000,
        allow_auto_create_topics=False,
        **more,
    )


def partitions_of(settings: Settings, topic: str) -> int:
    """Return how many partitions a topic has; 0 when there is none such. Raises KafkaError."""
    admin = client(KafkaAdminClient, settings, bootstrap_timeout_ms=10_000)
    try:
        if topic not in admin.list_topics():
            return 0
        return len(admin.describe_topics([topic])[0]["partitions"])
    finally:
        admin.close()


def make_topics(settings: Settings, *, replicas: int = -1) -> dict[str, str]:
    """Make the topics that are missing; return what was done by topic. Raises KafkaError.

    `replicas` -1: as the brokers are set up.
    """
    wanted: Mapping[str, tuple[int, dict[str, str]]] = {
        settings.kafka_topic_in: (_INBOUND_PARTITIONS, {"retention.ms": _INBOUND_RETENTION}),
        settings.kafka_topic_dead: (1, {"retention.ms": "-1"}),
        settings.kafka_topic_facts: (settings.slots, {"retention.ms": "-1"}),
    }
    admin = client(KafkaAdminClient, settings, bootstrap_timeout_ms=10_000)
    try:
        there = set(admin.list_topics())
        done = dict.fromkeys(there & set(wanted), "was there")
        for name, (partitions, configuration) in wanted.items():
            if name in there:
                continue
            try:
                admin.create_topics(
                    [
                        NewTopic(
                            name=name,
                            num_partitions=partitions,
                            replication_factor=replicas,
                            topic_configs=configuration,
                        )
                    ]
                )
                done[name] = f"made, {partitions} partitions"
            except TopicAlreadyExistsError:
                done[name] = "was there"
        _await(admin, set(wanted))
        return done
    finally:
        admin.close()


def _await(admin: KafkaAdminClient, topics: set[str]) -> None:
    """Wait until the brokers have heard of new topics, as they do a moment after making them."""
    deadline = time.monotonic() + _HEARD_SECONDS
    while not topics <= set(admin.list_topics()) and time.monotonic() < deadline:
        time.sleep(0.05)
