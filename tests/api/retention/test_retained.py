"""A certificate of retention is held against the log that runs, and one that was restored."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import psycopg
import pytest

from api.services import Services
from consumers.retained import verify
from infra.access_log import Access, Asked
from infra.backup.key import BackupKey
from infra.backup.restoring import restore
from infra.backup.taking import back_up
from infra.certificates import signed
from infra.epochs import renew
from infra.keyring import Keyring
from infra.retention import Destroyed, DestroyedReads, carry_out, certificate_of
from infra.settings import Settings
from infra.signing import Signer
from tests.api.retention.rules import EVERYBODY, LATER, SITE

Capture = pytest.CaptureFixture[str]


def read_by(services: Services, actor: str, at: datetime) -> None:
    access = Access(
        at=at,
        actor_kind="key",
        actor_id=actor,
        whom=(UUID(int=42),),
        operation="GET /api/customers/{id}",
        basis="scope personal",
        request="r",
        shop="shop",
    )
    services.access.write(access)


def test_a_month_of_the_access_log_goes_where_it_is_asked_for_and_in_no_other_case(
    services: Services, url: str, signer: Signer
) -> None:
    now = datetime.now(UTC)
    read_by(services, "now", now)
    read_by(services, "then", now - timedelta(days=400))
    assert carry_out(url, EVERYBODY | {"shop/": 1}, signer, now) is None
    file = carry_out(url, {"access": 12}, signer, now)
    assert file is not None
    certificate = certificate_of(file)
    assert certificate.is_signed
    assert [one.reads for one in certificate.certified.reads or ()] == [1]
    assert certificate.certified.destroyed == []
    assert [kept.access.actor_id for kept in services.access.page(Asked(), 9)] == ["now"]
    assert carry_out(url, {"access": 12}, signer, now) is None


@pytest.mark.usefixtures("sent")
def test_a_certificate_is_held_against_the_log(
    services: Services, settings: Settings, url: str, signer: Signer, capsys: Capture
) -> None:
    read_by(services, "then", datetime.now(UTC) - timedelta(days=400))
    content = carry_out(url, EVERYBODY | {"access": 3}, signer, LATER)
    assert content is not None
    file = settings.home / "certificate.json"
    file.write_bytes(content)
    assert verify(settings, file) == 0
    told = capsys.readouterr().out
    assert "signature: this service's" in told
    assert "log: it keeps this certificate" in told
    assert "0 originals and 0 refused events that are there open with nothing" in told
    assert "tables: 1 were dropped" in told
    assert "open until the next epoch" in told
    assert "It holds." in told
    renew(url, Keyring.open(settings.keyring_file))
    assert verify(settings, file) == 0
    assert "open no more, since epoch 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("update keeper.period_key set wrapped = 'x'", "of its keys are there"),
        ("delete from keeper.period_key", "it is not known that its keys are destroyed"),
        ("update log.retention set at = now()", "it does not know this certificate"),
        ("update log.installation set incarnation = gen_random_uuid()", "for another log"),
    ],
)
@pytest.mark.usefixtures("sent")
def test_a_certificate_that_what_is_there_contradicts_does_not_hold(  # noqa: PLR0913, PLR0917  # it stands on all of them
    settings: Settings, url: str, signer: Signer, capsys: Capture, harm: str, why: str
) -> None:
    content = carry_out(url, SITE, signer, datetime.now(UTC) + timedelta(days=200))
    assert content is not None
    file = settings.home / "certificate.json"
    file.write_bytes(content)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("update log.batch set recorded_at = now() + interval '1 year'")
        owner.execute(harm.encode())
    assert verify(settings, file) == 1
    assert why in capsys.readouterr().out


@pytest.mark.usefixtures("sent")
def test_a_certificate_that_was_changed_or_is_anothers_does_not_hold(
    settings: Settings, url: str, signer: Signer, capsys: Capture
) -> None:
    content = carry_out(url, SITE, signer, LATER)
    assert content is not None
    file = settings.home / "certificate.json"
    file.write_bytes(content.replace(b'"refused": 1', b'"refused": 2'))
    assert verify(settings, file) == 1
    assert "it was changed after it was signed" in capsys.readouterr().out
    other = Signer.beside(settings.home / "other" / "keyring.json")
    file.write_bytes(signed(certificate_of(content).certified, other))
    assert verify(settings, file) == 1
    assert "another service's" in capsys.readouterr().out
    file.write_bytes(b"{}")
    assert verify(settings, file) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001  # without a zone
        {"dropped": ["2025-13"]},
        {"dropped": ["0000-01"]},
        {"dropped": ["2025-11; drop table"]},
        {"dropped": ["a.b.c.d"]},
        {"destroyed": [Destroyed(shop="a", source="b", month="soon", originals=0, refused=0)]},
        {"destroyed": [Destroyed(shop="a", source="\0", month="2025-11", originals=0, refused=0)]},
        {"reads": [DestroyedReads(shop="\0", month="2025-11", reads=0)]},
        {"reads": [DestroyedReads(shop="a", month="2025-1", reads=0)]},
    ],
)
@pytest.mark.usefixtures("sent")
def test_what_says_a_month_that_is_none_is_no_certificate(
    settings: Settings, url: str, signer: Signer, capsys: Capture, changed: dict[str, object]
) -> None:
    content = carry_out(url, SITE, signer, LATER)
    assert content is not None
    certified = msgspec.structs.replace(certificate_of(content).certified, **changed)
    file = settings.home / "certificate.json"
    file.write_bytes(signed(certified, signer))
    assert verify(settings, file) == 2
    assert "is no certificate of retention" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("sent")
def test_an_older_backup_brings_back_what_opens_with_nothing(  # noqa: PLR0913, PLR0917  # it stands on all of them
    settings: Settings,
    url: str,
    signer: Signer,
    bare_database_url: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    key = BackupKey.make(tmp_path / "backup.key")
    older = back_up(url, settings.keyring_file, key, tmp_path / "older")
    content = carry_out(url, EVERYBODY, signer, LATER)
    assert content is not None
    newer = back_up(url, settings.keyring_file, key, tmp_path / "newer")
    keyring = tmp_path / "restored" / "keyring.json"
    restore(bare_database_url, older.data, newer.keys, key, keyring)
    file = tmp_path / "certificate.json"
    file.write_bytes(content)
    there = settings.model_copy(update={"log_url": bare_database_url, "keyring": keyring})
    assert verify(there, file) == 0
    told = capsys.readouterr().out
    assert "log: it ends before the certificate" in told
    assert told.count("1 originals and 1 refused events that are there open with nothing") == 2
    assert "there again, as a restored backup has them, unreadable" in told
