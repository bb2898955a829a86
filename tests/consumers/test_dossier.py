"""`huike dossier`: all that is known of somebody, in a file to hand over."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.rows import scalar_row

from consumers.dossier import write_dossier
from consumers.opened import opened
from domain.customer.events import CustomerErased, Person, TraitsAsserted
from domain.shared.log import Actor, Append, Draft, Who
from infra.event_store import EventLog
from infra.postgres import WRITER, connect, pool
from infra.refused import Refusals
from infra.settings import Settings
from tests.refused import refused

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AS_JSON: dict[str, Any] = {"shop": "shop", "lang": "en", "html": False, "sent": True}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    settings = Settings(log_url=database_url, home=tmp_path)
    with opened(settings) as here, closing(EventLog(database_url, here.sealer)) as log:
        who = Who(user=here.ids.user("shop", "ada"))
        event = TraitsAsserted(person=Person(email="ada@example.com"))
        log.append(
            Append(
                facts=(Draft(event=event, occurred_at=NOON, who=who),),
                actor=Actor("key", "site"),
                shop="shop",
                source="site",
            )
        )
    return settings


def test_it_is_written_to_a_file_for_its_owner_alone(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "ada.json"
    assert write_dossier(settings, "ada", file, **AS_JSON) == 0
    (trait,) = json.loads(file.read_bytes())["traits"]
    assert (trait["field"], trait["value"]) == ("email", "ada@example.com")
    assert file.stat().st_mode & 0o777 == 0o600
    assert write_dossier(settings, "ada", file, **AS_JSON) == 2


def test_a_customer_is_named_as_in_the_api_too(settings: Settings, tmp_path: Path) -> None:
    plain, api = tmp_path / "ada.json", tmp_path / "user-ada.json"
    assert write_dossier(settings, "ada", plain, **AS_JSON) == 0
    assert write_dossier(settings, "user:ada", api, **AS_JSON) == 0
    told = [json.loads(file.read_bytes())["traits"] for file in (plain, api)]
    assert told[0] == told[1]


def test_it_is_a_page_in_chinese_if_asked(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "ada.html"
    asked = {**AS_JSON, "lang": "zh", "html": True}
    assert write_dossier(settings, "ada", file, **asked) == 0
    page = file.read_text(encoding="utf-8")
    assert '<html lang="zh">' in page
    assert "ada@example.com" in page


def test_that_it_was_read_is_written_down(settings: Settings, tmp_path: Path) -> None:
    assert write_dossier(settings, "ada", tmp_path / "ada.json", **AS_JSON) == 0
    assert settings.log_url is not None
    with connect(settings.log_url, WRITER) as connection:
        cursor = connection.cursor(row_factory=scalar_row)
        assert cursor.execute("select count(*) from log.access").fetchone() == 1


def test_nothing_is_written_of_who_is_not_known(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "bob.json"
    assert write_dossier(settings, "bob", file, **AS_JSON) == 1
    assert write_dossier(settings, "ada", file, **{**AS_JSON, "lang": "xx"}) == 2
    assert not file.exists()


def test_of_a_folder_that_there_is_not_it_says_so(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_dossier(settings, "ada", tmp_path / "none" / "ada.json", **AS_JSON) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none'}: there is no such folder.\n"


def test_what_was_refused_and_who_read_it_is_in_the_file_too(
    settings: Settings, tmp_path: Path
) -> None:
    assert settings.log_url is not None
    with opened(settings) as here, pool(settings.log_url, WRITER, size=1) as writer:
        message = b'{"traits": {"email": "ADA@example.com"}}'
        Refusals(writer, here.sealer, here.ids).keep([refused(message, shop="shop")])
    file = tmp_path / "ada.json"
    assert write_dossier(settings, "ada", file, **AS_JSON) == 0
    told = json.loads(file.read_bytes())
    (kept,) = told["refused"]
    assert kept["message"] == message.decode()
    (read,) = told["reads"]
    assert (read["operation"], read["basis"]) == ("huike dossier", "keyring")


def test_of_somebody_forgotten_it_says_so(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings.log_url is not None
    with opened(settings) as here, closing(EventLog(settings.log_url, here.sealer)) as log:
        ada = here.ids.user("shop", "ada")
        erased = CustomerErased(erasure=UUID(int=1), identities=(ada,))
        log.append(
            Append(
                facts=(Draft(event=erased, occurred_at=NOON, who=Who(user=ada)),),
                actor=Actor("process", "erasures"),
                shop="shop",
                source="erasures",
            )
        )
        here.sealer.forget([ada])
    assert write_dossier(settings, "ada", tmp_path / "ada.json", **AS_JSON) == 0
    assert "They were forgotten on 2" in capsys.readouterr().out
    assert json.loads((tmp_path / "ada.json").read_bytes())["forgotten_at"] is not None
