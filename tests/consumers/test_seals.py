"""Workers seal the log's head by themselves, where they are told, as often as they are told."""

import json
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient, NewTopic

from consumers.audit import verify
from consumers.parts import findings
from consumers.seals import NotDelivered, OtherSigner, seal_due, seal_head
from infra.postgres import WRITER, connect
from infra.seals import Broken
from infra.settings import Settings
from infra.signing import Signer, file_beside
from infra.upkeep import SEAL, Upkeep, upkeep_of
from tests.infra.event_store import kept


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> str:
    with kept.writer(database_url, tmp_path / "keyring.json") as log:
        kept.fill(log)
    return database_url


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    keyring, file = tmp_path / "keyring.json", tmp_path / "kept" / "seals.jsonl"
    file.parent.mkdir()
    return Settings(log_url=url, keyring=keyring, seal_to=file)


def more(settings: Settings) -> None:
    assert settings.log_url is not None
    with kept.writer(settings.log_url, settings.keyring_file) as log:
        kept.fill(log, 1, begin=10)


def hours_pass(url: str, hours: int) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("update log.upkeep set at = at - make_interval(hours => %s)", (hours,))


def positions(file: Path) -> list[int]:
    return [json.loads(line)["position"] for line in file.read_text().splitlines()]


def standing(url: str) -> Upkeep:
    with connect(url, WRITER) as connection:
        (one,) = [one for one in upkeep_of(connection) if one.what == SEAL]
    return one


def mend(settings: Settings) -> str | None:
    (finding,) = [one for one in findings(settings) if one.what == SEAL]
    return finding.mend


def test_the_head_is_sealed_as_often_as_is_said(settings: Settings, url: str) -> None:
    file = settings.seal_to
    assert file is not None
    seal_due(settings)
    more(settings)
    seal_due(settings)
    assert positions(file) == [18]
    hours_pass(url, 25)
    seal_due(settings)
    assert positions(file) == [18, 21]
    assert (standing(url).position, mend(settings)) == (21, None)


@pytest.mark.parametrize("off", [{"seal_to": None}, {"seal_every": 0}])
def test_nothing_is_sealed_unless_it_is_said_where_and_how_often(
    settings: Settings, url: str, off: dict[str, object]
) -> None:
    seal_due(settings.model_copy(update=off))
    assert standing(url).at is None


def test_in_a_folder_seals_are_lines_of_one_file(settings: Settings, tmp_path: Path) -> None:
    seal_due(settings.model_copy(update={"seal_to": tmp_path / "kept"}))
    assert positions(tmp_path / "kept" / "seals.jsonl") == [18]


def test_a_seal_that_cannot_be_written_is_said_and_tried_again_in_an_hour(
    settings: Settings, url: str, tmp_path: Path
) -> None:
    file = tmp_path / "away" / "seals.jsonl"
    away = settings.model_copy(update={"seal_to": file})
    with pytest.raises(NotDelivered):
        seal_due(away)
    seal_due(away)  # not again at once
    assert "No such file or directory" in str(mend(away))
    assert (standing(url).at, standing(url).facts) == (None, 18)  # it was made, and is nowhere
    file.parent.mkdir()
    hours_pass(url, 2)
    seal_due(away)
    assert positions(file) == [18]
    assert (standing(url).position, mend(away)) == (18, None)


def test_a_seal_by_hand_counts_where_it_is_to_stand_and_puts_off_no_other(
    settings: Settings, url: str, tmp_path: Path
) -> None:
    assert settings.seal_to is not None
    assert seal_head(settings, tmp_path / "by-hand.jsonl", None) == 0
    assert standing(url).at is None
    seal_due(settings)
    assert positions(settings.seal_to) == [18]
    more(settings)
    assert seal_head(settings, settings.seal_to.parent, None) == 0  # its seals.jsonl
    assert standing(url).position == 21


@pytest.mark.parametrize("to", ["by-hand.jsonl", None])
def test_where_workers_do_not_seal_one_by_hand_counts_wherever_it_goes(
    settings: Settings, url: str, tmp_path: Path, to: str | None
) -> None:
    by_hand = settings.model_copy(update={"seal_to": None})
    assert seal_head(by_hand, tmp_path / "away" / "seals.jsonl", None) == 2
    assert standing(url).at is None
    assert seal_head(by_hand, tmp_path / to if to else None, None) == 0
    assert (standing(url).position, standing(url).facts) == (18, 0)


def test_the_same_seal_is_not_written_twice(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for said in ("Sealed up to 18", "Nothing new: the seal up to 18 stands there"):
        assert seal_head(settings, tmp_path / "kept", None) == 0
        assert capsys.readouterr().out.startswith(said)
        assert positions(tmp_path / "kept" / "seals.jsonl") == [18]


def test_without_kafka_a_topic_is_nowhere(settings: Settings) -> None:
    with pytest.raises(NotDelivered, match="HUIKE_KAFKA_BOOTSTRAP"):
        seal_due(settings.model_copy(update={"seal_topic": "huike.seals"}))


def test_a_log_that_was_changed_is_not_sealed_and_the_doctor_says_so(
    settings: Settings, url: str
) -> None:
    kept.tamper(url, "update log.fact set body = '' where position = 8")
    with pytest.raises(Broken):
        seal_due(settings)
    assert "The log is not sealed" in str(mend(settings))


def test_a_machine_with_another_key_does_not_sign_beside_the_first(
    settings: Settings, url: str, tmp_path: Path
) -> None:
    seal_due(settings)
    hours_pass(url, 25)
    file_beside(settings.keyring_file).unlink()
    with pytest.raises(OtherSigner, match=r"signing\.key holds another key"):
        seal_due(settings)
    assert seal_head(settings, tmp_path / "by-hand.jsonl", None) == 0
    hours_pass(url, 25)
    seal_due(settings)
    assert settings.seal_to is not None
    assert Signer.beside(settings.keyring_file).public in settings.seal_to.read_text()


def test_a_seal_that_is_late_is_pointed_out(settings: Settings, url: str) -> None:
    seal_due(settings)
    more(settings)
    hours_pass(url, 49)
    assert str(mend(settings)).startswith("it is late")


def test_seals_are_sent_to_a_topic_and_its_being_lost_is_said(
    settings: Settings, url: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    topic = f"seals-{uuid4().hex}"
    changed = {"kafka_bootstrap": kafka_bootstrap, "seal_to": None, "seal_topic": topic}
    there = settings.model_copy(update=changed)
    with pytest.raises(NotDelivered):
        seal_due(there)
    assert f"There is no topic {topic}" in str(mend(there))
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    admin.close()
    hours_pass(url, 2)
    seal_due(there)
    assert mend(there) is None
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=kafka_bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=30_000,
    )
    file = tmp_path / "heard.jsonl"
    file.write_bytes(next(iter(consumer)).value)
    consumer.close()
    assert verify(there, file, [], as_json=False) == 0
