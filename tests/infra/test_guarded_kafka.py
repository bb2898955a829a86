"""A Kafka that asks for TLS, our certificate and a password is reached with all three only."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from pydantic import SecretStr

from consumers.parts import findings
from infra.dev.kafka import EmbeddedKafka
from infra.kafka import client, make_topics, producer, reach
from infra.settings import Settings
from tests.infra.certificates import Authority
from tests.ports import free_port

pytestmark = pytest.mark.slow

_GUARDED = """
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_SSL
listener.name.guarded.ssl.keystore.type=PEM
listener.name.guarded.ssl.keystore.location={certificate}
listener.name.guarded.ssl.truststore.type=PEM
listener.name.guarded.ssl.truststore.location={authority}
listener.name.guarded.ssl.client.auth=required
listener.name.guarded.sasl.enabled.mechanisms=PLAIN
listener.name.guarded.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_huike="tea and cake";
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guarded")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def guarded(folder: Path, authority: Authority, kafka_installed: None) -> Iterator[Settings]:  # noqa: ARG001 - or skip
    """Give settings that reach a guarded Kafka."""
    node, port = EmbeddedKafka(folder / "kafka", brief=True), free_port()
    file = node.prepare()
    file.write_text(
        file.read_text().replace(",CONTROLLER://", f",GUARDED://127.0.0.1:{port},CONTROLLER://", 1)
        + _GUARDED.format(certificate=authority.certificate("broker"), authority=authority.file)
    )
    node.start()
    yield Settings(
        kafka_bootstrap=f"127.0.0.1:{port}",
        kafka_security="SASL_SSL",
        kafka_ca=authority.file,
        kafka_certificate=authority.certificate("huike"),
        kafka_mechanism="PLAIN",
        kafka_user="huike",
        kafka_password=SecretStr("tea and cake"),
        slots=2,
    )
    node.kill()


OTHERWISE: Final[Mapping[str, dict[str, object]]] = {
    "another password": {"kafka_password": "coffee"},
    "another user": {"kafka_user": "somebody"},
    "without the authority": {"kafka_ca": None},
    "without a certificate": {"kafka_certificate": None},
    "without TLS": {"kafka_security": "PLAINTEXT"},
    "without a password": {"kafka_security": "SSL"},
}


def let_in(settings: Settings) -> bool:
    try:
        client(KafkaAdminClient, settings, bootstrap_timeout_ms=3_000).close()
    except KafkaError:
        return False
    return True


@pytest.fixture(scope="module")
def others(guarded: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    """Say who of them is let in; all try at once, since each is refused for three seconds."""
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    given = guarded.model_dump()
    tried = {name: Settings.model_validate(given | other) for name, other in OTHERWISE.items()}
    tried["trusting another authority"] = guarded.model_copy(update={"kafka_ca": stranger.file})
    with ThreadPoolExecutor(len(tried)) as threads:
        return dict(zip(tried, threads.map(let_in, tried.values()), strict=True))


def test_with_certificate_and_password_topics_are_made_written_and_read(guarded: Settings) -> None:
    assert len(make_topics(guarded)) == 3
    topic = guarded.kafka_topic_in
    with closing(producer(guarded)) as shop:
        shop.send(topic, b"seen").get(30)
    reading = KafkaConsumer(
        topic, **reach(guarded), auto_offset_reset="earliest", consumer_timeout_ms=10_000
    )
    with closing(reading) as inbox:
        assert next(inbox).value == b"seen"


@pytest.mark.parametrize("otherwise", OTHERWISE)
def test_without_any_of_it_nobody_is_let_in(others: dict[str, bool], otherwise: str) -> None:
    assert not others[otherwise]


def test_a_broker_that_somebody_else_signed_for_is_not_trusted(others: dict[str, bool]) -> None:
    assert not others["trusting another authority"]


def test_who_has_all_of_it_is_let_in_by_then(guarded: Settings) -> None:
    assert let_in(guarded)


def test_the_doctor_says_what_is_wrong_without_the_password(
    guarded: Settings, tmp_path: Path
) -> None:
    settings = guarded.model_copy(update={"kafka_ca": None, "home": tmp_path})
    told = {finding.what: finding for finding in findings(settings)}
    assert told["Kafka"].mend is not None
    assert "tea and cake" not in str(told)
