"""The log is proven from the command line."""

import json
from pathlib import Path

import pytest

from consumers.audit import verify
from infra.settings import Settings
from tests.infra.event_store import kept


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    keyring = tmp_path / "keyring.json"
    with kept.writer(database_url, keyring) as log:
        kept.fill(log)
    return Settings(log_url=database_url, keyring=keyring)


def test_a_log_as_it_was_recorded_is_whole(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(settings, as_json=False) == 0
    assert "18 facts are as they were recorded" in capsys.readouterr().out


def test_the_first_batch_that_is_wrong_is_named(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.tamper(str(settings.log_url), "update log.fact set actor_id = 'x' where position = 8")
    assert verify(settings, as_json=False) == 1
    told = capsys.readouterr().out
    assert "positions 7 to 9, recorded 20" in told
    assert "by process w3:3, process x" in told


def test_programs_read_it_as_json(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(settings, as_json=True) == 0
    whole = json.loads(capsys.readouterr().out)
    kept.tamper(str(settings.log_url), "delete from log.fact where position = 8")
    assert verify(settings, as_json=True) == 1
    broken = json.loads(capsys.readouterr().out)
    assert (whole["whole"], whole["position"], len(whole["chain"])) == (True, 18, 64)
    assert (broken["whole"], broken["break"]["kind"]) == (False, "removed")
    assert (broken["break"]["first"], broken["break"]["last"]) == (7, 9)
