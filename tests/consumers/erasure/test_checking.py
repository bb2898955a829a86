"""A certificate is checked by trying: what opens again contradicts it, whatever brought it back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.erasure import carrying_out
from consumers.erasure.checking import verify
from consumers.erasure.standing import of_erasures
from infra.epochs import renew
from infra.keyring import Keyring
from infra.postgres import KEEPER, connect
from infra.settings import Settings
from projections.runtime import schema
from tests.consumers.erasure.asked import Privacy, privacy
from tests.projections.runtime.shop import Shop

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Privacy]:
    monkeypatch.setattr(carrying_out, "FORGOTTEN_WITHIN_SECONDS", 0.5)
    with privacy(shop, settings) as opened:
        yield opened


def test_a_certificate_holds_until_a_key_comes_back(
    desk: Privacy, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = desk.know("ada")
    with connect(desk.shop.url, KEEPER) as connection:
        (wrapped,) = connection.execute(
            "select wrapped from keeper.person_key where identity = %s", (ada,)
        ).fetchone() or (None,)
        done = desk.certified(desk.request(ada))
        assert done.certificate is not None
        file = tmp_path / "certificate.json"
        file.write_bytes(done.certificate)
        assert verify(settings, file) == 0
        told = capsys.readouterr().out
        assert "✓ facts: 0 of" in told
        assert "older backups: open until the next epoch" in told

        assert settings.log_url is not None
        renew(settings.log_url, Keyring.open(settings.keyring_file))
        assert verify(settings, file) == 0
        assert "older backups: open no more, since epoch 2" in capsys.readouterr().out

        ring = Keyring.open(settings.keyring_file)
        epoch, again = ring.wrap(b"k" * 32, ada.bytes)
        assert wrapped != again
        connection.execute(
            "update keeper.person_key set epoch = %s, wrapped = %s where identity = %s",
            (epoch, again, ada),
        )
    assert verify(settings, file) != 0
    assert "✗ keys: 1 of 1 are there" in capsys.readouterr().out


def test_a_mask_that_is_left_contradicts_it(
    desk: Privacy, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = desk.know("ada")
    done = desk.certified(desk.request(ada))
    assert done.certificate is not None
    served = schema.active(desk.shop.connection, "profile")
    assert served is not None
    desk.shop.connection.execute(
        f"update {served.schema}.profile set email_mask = 'a•••@e•••.com'"  # noqa: S608  # a generation's own name
    )
    file = tmp_path / "certificate.json"
    file.write_bytes(done.certificate)
    assert verify(settings, file) == 1
    assert "✗ views: profile.email_mask" in capsys.readouterr().out


def test_what_is_no_certificate_is_said_to_be_none(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "certificate.json"
    file.write_text('{"certified": 1}')
    assert verify(settings, file) == 2
    assert "is no certificate" in capsys.readouterr().err


def test_the_doctor_says_what_waits_and_what_is_late(desk: Privacy, settings: Settings) -> None:
    assert settings.log_url is not None
    assert list(of_erasures(settings.log_url)) == []
    ada = desk.know("ada")
    asked = desk.request(ada)
    desk.stands(asked)
    assert list(of_erasures(settings.log_url)) == [("1 wait, 0 done", None)]
    desk.log.execute("update log.erasure set due_at = due_at - interval '2 hours'")
    ((_, mend),) = of_erasures(settings.log_url)
    assert mend is not None
    assert mend.startswith("1 are late")
    desk.certified(asked)
    assert list(of_erasures(settings.log_url)) == [("0 wait, 1 done", None)]
