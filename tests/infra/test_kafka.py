"""What clients of Kafka leave behind where no broker answers."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from infra.kafka import client
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


def open_pairs() -> int:
    """Count the sockets by which a client's threads wake each other."""
    return len(psutil.Process().net_connections("unix"))
