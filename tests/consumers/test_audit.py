"""The log is proven, and sealed, from the command line."""

import json
import resource
import signal
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient, NewTopic

from consumers.audit import NoPublicKey, public_key, verify
from consumers.issuing import issuing
from consumers.seals import seal_head
from infra.access_log import Access, AccessLog
from infra.keyring import Keyring
from infra.postgres import KEEPER, WRITER, pool
from infra.retention import carry_out
from infra.sealing import PersonKeys
from infra.seals import ForeignKey, ForgedSeal
from infra.settings import Settings
from infra.signing import Signer, file_beside
from tests.infra.event_store import kept
from tests.keys import make_key

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    keyring = tmp_path / "keyring.json"
    with kept.writer(database_url, keyring) as log:
        kept.fill(log)
    return Settings(log_url=database_url, keyring=keyring)


@pytest.fixture
def seals(settings: Settings, tmp_path: Path, capsys: Capture) -> Path:
    """Where the log's head was sealed, apart from the log."""
    file = tmp_path / "seals.jsonl"
    assert seal_head(settings, file, None) == 0
    assert "Sealed up to 18" in capsys.readouterr().out
    return file


def proven(settings: Settings, against: Path | None = None, *keys: Path) -> int:
    return verify(settings, against, keys, as_json=False)


def forget_seals(settings: Settings) -> None:
    kept.tamper(str(settings.log_url), "delete from log.seal")


def test_a_log_as_it_was_recorded_is_whole(settings: Settings, capsys: Capture) -> None:
    assert proven(settings) == 0
    told = capsys.readouterr().out
    assert "18 facts are as they were recorded, none of them was sealed" in told


def test_the_first_batch_that_is_wrong_is_named(settings: Settings, capsys: Capture) -> None:
    kept.tamper(str(settings.log_url), "update log.fact set actor_id = 'x' where position = 8")
    assert proven(settings) == 1
    told = capsys.readouterr().out
    assert "positions 7 to 9, recorded 20" in told
    assert "by process w3:3, process x" in told


def test_a_key_that_no_fact_issued_is_named(settings: Settings, capsys: Capture) -> None:
    with issuing(settings) as keys:
        key, _ = keys.add("grace", [], roles=["agent"])
    assert proven(settings) == 0
    assert "1 key may do what its facts say, and no more." in capsys.readouterr().out
    ghost, _ = make_key(settings.log_url, "ghost", "admin")
    kept.tamper(
        str(settings.log_url),
        "update log.api_key set roles = '{privacy-officer}' where name = 'grace'",
    )
    assert proven(settings) == 1
    told = capsys.readouterr().out
    assert f"key ghost ({ghost.id}): no fact issued it" in told
    assert f"key grace ({key.id}): roles is privacy-officer, by its facts agent" in told
    assert verify(settings, None, [], as_json=True) == 1
    named = json.loads(capsys.readouterr().out)["keys"]
    assert {one["id"] for one in named} == {str(ghost.id), str(key.id)}


def test_programs_read_it_as_json(settings: Settings, capsys: Capture) -> None:
    assert verify(settings, None, [], as_json=True) == 0
    whole = json.loads(capsys.readouterr().out)
    kept.tamper(str(settings.log_url), "delete from log.fact where position = 8")
    assert verify(settings, None, [], as_json=True) == 1
    broken = json.loads(capsys.readouterr().out)
    assert (whole["whole"], whole["position"], len(whole["chain"])) == (True, 18, 64)
    assert (broken["whole"], broken["break"]["kind"]) == (False, "removed")
    assert (broken["break"]["first"], broken["break"]["last"]) == (7, 9)


def test_nothing_up_to_a_seal_was_rewritten(
    settings: Settings, seals: Path, tmp_path: Path, capsys: Capture
) -> None:
    with kept.writer(str(settings.log_url), tmp_path / "keyring.json") as log:
        kept.fill(log, 2, begin=10)
    assert proven(settings, seals) == 0
    told = capsys.readouterr().out
    assert "24 facts are as they were recorded, those up to 18 as they were sealed" in told


def test_who_makes_the_whole_chain_anew_is_found_by_a_seal(
    settings: Settings, seals: Path, capsys: Capture
) -> None:
    forget_seals(settings)
    kept.tamper(str(settings.log_url), "update log.fact set body = '' where position = 8")
    kept.chain_anew(str(settings.log_url))
    assert proven(settings) == 0
    assert proven(settings, seals) == 1
    told = capsys.readouterr().out
    assert "positions 1 to 18: the chain was made anew" in told


def test_who_seals_anew_what_was_rewritten_is_found_by_a_seal_from_outside(
    settings: Settings, seals: Path, capsys: Capture
) -> None:
    forget_seals(settings)
    kept.tamper(str(settings.log_url), "update log.fact set body = '' where position = 8")
    kept.chain_anew(str(settings.log_url))
    assert seal_head(settings, None, None) == 0
    assert proven(settings) == 0
    assert proven(settings, seals) == 1
    assert "positions 1 to 18: the chain was made anew" in capsys.readouterr().out


def test_who_cuts_off_the_end_is_found_by_a_seal(
    settings: Settings, seals: Path, capsys: Capture
) -> None:
    forget_seals(settings)
    for table in ("fact", "batch"):
        kept.tamper(str(settings.log_url), f"delete from log.{table} where position > 15")  # noqa: S608
    assert proven(settings) == 0
    assert proven(settings, seals) == 1
    assert "the log ends before a seal, which stands at position 18" in capsys.readouterr().out


def test_the_seals_that_the_log_keeps_itself_are_asked_too(settings: Settings, seals: Path) -> None:
    assert seals.exists()
    kept.tamper(str(settings.log_url), "update log.fact set body = '' where position = 8")
    kept.chain_anew(str(settings.log_url))
    assert proven(settings) == 1


def test_a_kept_seal_that_was_altered_is_told(
    settings: Settings, seals: Path, capsys: Capture
) -> None:
    assert seals.exists()
    kept.tamper(str(settings.log_url), "update log.seal set seal = replace(seal, '0', '1')")
    assert proven(settings) == 1
    assert "The seal at position 18 in log.seal" in capsys.readouterr().out


def test_an_altered_seal_is_refused(settings: Settings, seals: Path) -> None:
    told = json.loads(seals.read_text())
    seals.write_text(json.dumps({**told, "sealed_at": "2020-01-01T00:00:00Z"}))
    with pytest.raises(ForgedSeal):
        proven(settings, seals)


def test_seals_are_checked_with_the_key_that_is_given(
    settings: Settings, seals: Path, tmp_path: Path, capsys: Capture
) -> None:
    public_key(settings)
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    ours.write_text(capsys.readouterr().out)
    file_beside(settings.keyring_file).rename(tmp_path / "elsewhere.pem")
    with pytest.raises(NoPublicKey):
        proven(settings, seals)
    assert proven(settings, seals, ours) == 0
    capsys.readouterr()
    public_key(settings)  # a new one
    theirs.write_text(capsys.readouterr().out)
    with pytest.raises(ForeignKey):
        proven(settings, seals, theirs)
    assert proven(settings, seals, theirs, ours) == 0


def have_read(settings: Settings, reads: int = 3, at: datetime | None = None) -> None:
    with ExitStack() as stack:
        keeper = stack.enter_context(pool(str(settings.log_url), KEEPER))
        writer = stack.enter_context(pool(str(settings.log_url), WRITER))
        log = AccessLog(writer, PersonKeys(keeper, Keyring.open(settings.keyring_file)))
        stack.callback(log.close)
        for n in range(reads):
            log.write(
                Access(
                    at=at or datetime.now(UTC),
                    actor_kind="key",
                    actor_id="desk",
                    whom=(UUID(int=n),),
                    operation="customer",
                    basis="serves",
                    request="r-1",
                    shop="shop",
                )
            )


def test_reads_of_personal_data_are_proven_too(settings: Settings, capsys: Capture) -> None:
    have_read(settings)
    assert proven(settings) == 0
    told = capsys.readouterr().out
    assert "3 reads of personal data are as they were written, none was sealed." in told
    assert verify(settings, None, [], as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["reads"] == 3
    kept.tamper(str(settings.log_url), "delete from log.access where id = 2")
    assert proven(settings) == 1
    assert "read 2 of the access log: it is gone" in capsys.readouterr().out
    assert verify(settings, None, [], as_json=True) == 1
    broken = json.loads(capsys.readouterr().out)["break"]
    assert (broken["kind"], broken["first"], broken["last"]) == ("removed", 2, 2)
    assert seal_head(settings, None, None) == 1
    assert "The log is not sealed" in capsys.readouterr().err


def test_who_cuts_off_the_last_reads_is_found_by_a_seal(
    settings: Settings, seals: Path, capsys: Capture
) -> None:
    have_read(settings)
    assert seal_head(settings, seals, None) == 0, "though no fact came"
    assert [json.loads(line)["reads"]["last"] for line in seals.read_text().splitlines()] == [0, 3]
    assert proven(settings, seals) == 0
    assert "those up to number 3 as they were sealed" in capsys.readouterr().out
    forget_seals(settings)
    kept.tamper(str(settings.log_url), "delete from log.access where id = 3")
    assert proven(settings) == 0
    assert proven(settings, seals) == 1
    assert "the access log ends before a seal" in capsys.readouterr().out
    have_read(settings)
    assert proven(settings, seals) == 1
    assert "the chain was made anew" in capsys.readouterr().out


def test_months_of_reads_that_retention_destroyed_are_no_break(
    settings: Settings, seals: Path, capsys: Capture
) -> None:
    have_read(settings, at=datetime(2025, 11, 15, tzinfo=UTC))
    assert seal_head(settings, seals, None) == 0
    signer, now = Signer.beside(settings.keyring_file), datetime.now(UTC)
    assert carry_out(str(settings.log_url), {"access": 1}, signer, now) is not None
    have_read(settings, 2)
    capsys.readouterr()
    assert proven(settings, seals) == 0
    assert "2 reads of personal data are as they were written" in capsys.readouterr().out
    assert seal_head(settings, seals, None) == 0
    kept.tamper(str(settings.log_url), "delete from log.retention")
    assert proven(settings, seals) == 1


def test_a_log_that_is_not_whole_is_not_sealed(settings: Settings, capsys: Capture) -> None:
    kept.tamper(str(settings.log_url), "update log.fact set body = '' where position = 8")
    assert seal_head(settings, None, None) == 1
    assert "The log is not sealed" in capsys.readouterr().err


def test_without_a_place_for_it_a_seal_is_printed(settings: Settings, capsys: Capture) -> None:
    assert seal_head(settings, None, None) == 0
    assert json.loads(capsys.readouterr().out)["position"] == 18


def test_a_seal_that_could_not_be_written_is_written_the_next_time(
    settings: Settings, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "none" / "seals.jsonl"
    assert seal_head(settings, file, None) == 2
    assert f"{file}: No such file or directory.\n" in capsys.readouterr().err
    file.parent.mkdir()
    assert seal_head(settings, file, None) == 0
    assert proven(settings, file) == 0


def test_each_seal_is_one_more_line(settings: Settings, seals: Path, tmp_path: Path) -> None:
    with kept.writer(str(settings.log_url), tmp_path / "keyring.json") as log:
        kept.fill(log, 1, begin=10)
    assert seal_head(settings, seals, None) == 0
    assert [json.loads(line)["position"] for line in seals.read_text().splitlines()] == [18, 21]
    assert proven(settings, seals) == 0


def test_a_torn_line_is_told_and_the_other_seals_hold(
    settings: Settings, seals: Path, tmp_path: Path, capsys: Capture
) -> None:
    whole = seals.read_bytes()
    seals.write_bytes(whole + whole[:100])
    with kept.writer(str(settings.log_url), tmp_path / "keyring.json") as log:
        kept.fill(log, 1, begin=10)
    assert seal_head(settings, seals, None) == 0
    assert seals.read_bytes().startswith(whole + whole[:100] + b"\n{")
    capsys.readouterr()
    forget_seals(settings)
    assert verify(settings, seals, [], as_json=True) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["sealed"] == 21
    assert f"Line 2 of {seals} was not written whole" in told.err
    kept.tamper(str(settings.log_url), "update log.fact set body = '' where position = 8")
    kept.chain_anew(str(settings.log_url))
    assert proven(settings, seals) == 1, "the seals beside it are held to"


def test_a_seal_is_taken_back_where_it_cannot_be_written_whole(
    settings: Settings, seals: Path, tmp_path: Path
) -> None:
    whole = seals.read_bytes()
    with kept.writer(str(settings.log_url), tmp_path / "keyring.json") as log:
        kept.fill(log, 1, begin=10)
    limit, no_more = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    sealed = seal_head(settings, None, None)  # so that the database is not written below
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 100, no_more))
    try:
        assert (sealed, seal_head(settings, seals, None)) == (0, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, no_more))
        signal.signal(signal.SIGXFSZ, ignored)
    assert seals.read_bytes() == whole
    assert seal_head(settings, seals, None) == 0
    assert seals.read_bytes().count(b"\n") == 2


def test_a_seal_is_sent_to_a_topic_that_somebody_made(
    settings: Settings, kafka_bootstrap: str, tmp_path: Path, capsys: Capture
) -> None:
    topic = f"seals-{uuid4().hex}"
    settings = settings.model_copy(update={"kafka_bootstrap": kafka_bootstrap})
    assert seal_head(settings, None, topic) == 2
    assert f"There is no topic {topic}" in capsys.readouterr().err
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    admin.close()
    assert seal_head(settings, None, topic) == 0
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=kafka_bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=30_000,
    )
    file = tmp_path / "heard.jsonl"
    file.write_bytes(next(iter(consumer)).value)
    consumer.close()
    assert proven(settings, file) == 0
