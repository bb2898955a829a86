"""What clients of Kafka leave behind when no broker answers."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from infra.dev.kafka import EmbeddedKafka
from infra.kafka import client, make_topics, producer
from infra.settings import Settings
from tests.ports import free_port


@pytest.mark.parametrize("make", [KafkaAdminClient, KafkaProducer, partial(KafkaConsumer, "facts")])
def test_who_reaches_no_broker_leaves_no_thread_and_no_open_socket(
    make: Callable[..., Any],
) -> None:
    nobody = Settings(kafka_bootstrap=f"127.0.0.1:{free_port()}")
    threads, unix = set(threading.enumerate()), open_pairs()
    for _ in range(3):
        with pytest.raises(KafkaError):
            client(make, nobody, bootstrap_timeout_ms=100)
    assert set(threading.enumerate()) <= threads
    assert open_pairs() == unix


@pytest.mark.slow
@pytest.mark.kafka
def test_a_producer_that_is_closed_while_no_broker_answers_sends_nothing_later(
    server_folder: Path,
    kafka_installed: None,  # noqa: ARG001 - or skip
) -> None:
    node = EmbeddedKafka(server_folder, brief=True)
    settings = Settings(kafka_bootstrap=node.start(), slots=1)
    try:
        make_topics(settings, replicas=1)
        threads, unix = set(threading.enumerate()), open_pairs()
        shop = producer(settings)
        shop.send(settings.kafka_topic_in, b"taken").get(10)
    finally:
        node.kill()
    left = shop.send(settings.kafka_topic_in, b"left behind")
    shop.close(timeout=1)
    assert left.failed()
    assert set(threading.enumerate()) <= threads
    assert open_pairs() == unix


def open_pairs() -> int:
    """Count the sockets by which a client's threads wake each other."""
    return len(psutil.Process().net_connections("unix"))
