"""Who lives again after a restore is forgotten again, by the certificates that name them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from psycopg.conninfo import conninfo_to_dict

from consumers.erasure.again import again
from consumers.erasure.checking import verify
from consumers.restore import run_restore
from domain.customer.events import Person
from infra import erasures
from infra.backup.key import BackupKey
from infra.backup.taking import Taken, back_up
from infra.postgres import WRITER, connect
from infra.settings import Settings
from infra.signing import Signer, file_beside
from tests.consumers.erasure.asked import Privacy, privacy
from tests.projections.runtime.shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

GENEROUS: Final = 120.0


class Restoring:
    """Backs a desk up and restores it elsewhere."""

    def __init__(self, desk: Privacy, target: str, folder: Path) -> None:
        self.desk = desk
        self.folder = folder
        self.key_file = folder / "backup.key"
        self.key = BackupKey.make(self.key_file)
        keyring = folder / "restored" / "keyring.json"
        self.settings = desk.settings.model_copy(update={"log_url": target, "keyring": keyring})

    def take(self, name: str) -> Taken:
        return back_up(self.desk.shop.url, self.desk.shop.keyring, self.key, self.folder / name)

    def forget(self, name: str) -> Path:
        """Have a user forgotten; return the certificate."""
        done = self.desk.certified(self.desk.request(self.desk.shop.user(name)))
        assert done.certificate is not None
        file = self.folder / f"{name}.json"
        file.write_bytes(done.certificate)
        return file

    @contextmanager
    def back(self, data: Taken, keys: Taken, *, older_keys: bool = False) -> Iterator[Privacy]:
        """Restore, and run a desk on it."""
        run_restore(self.settings, data.data, keys.keys, self.key_file, older_keys=older_keys)
        assert self.settings.log_url is not None
        assert conninfo_to_dict(self.settings.log_url) != conninfo_to_dict(self.desk.shop.url)
        with (
            Shop.open(self.settings.log_url, self.settings.keyring_file) as shop,
            privacy(shop, self.settings) as desk,
        ):
            yield desk


@pytest.fixture
def restoring(desk: Privacy, bare_database_url: str, tmp_path: Path) -> Restoring:
    Signer.beside(desk.settings.keyring_file)  # with each backup there is, from the first one
    return Restoring(desk, bare_database_url, tmp_path)


def asked_for(settings: Settings) -> int:
    assert settings.log_url is not None
    with connect(settings.log_url, WRITER) as connection:
        return len(erasures.latest(connection, 100))


def test_who_lives_again_is_forgotten_again_with_all_that_they_are_and_certified(
    restoring: Restoring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = restoring.desk.shop
    restoring.desk.know("ada")
    restoring.desk.know("bob", Person(email="bob@example.com"))
    shop.email(None, "v@example.com", visitor="v1")
    older = restoring.take("older")
    shop.recognise("v1", "ada")  # of which the restored log knows nothing
    restoring.desk.know("cyd", Person(email="cyd@example.com"))
    files = [restoring.forget("ada"), restoring.forget("cyd")]
    with restoring.back(older, older) as desk:
        keys = desk.shop.sealer
        assert keys.has_key(shop.user("ada"))
        assert keys.has_key(shop.visitor("v1"))
        capsys.readouterr()
        written = tmp_path / "new" / "certificates"
        assert again(restoring.settings, files, wait=GENEROUS, to=written) == 0
        told = capsys.readouterr().out
        assert "✓ ada.json: forgotten again, and certified: erasure " in told
        assert "✓ cyd.json: not known to this log, and will not be" in told
        gone = {shop.user("ada"), shop.visitor("v1"), shop.user("cyd")}
        assert keys.forgotten({*gone, shop.user("bob")}) == gone

        made = erasures.latest(desk.log, 100)
        assert {one.customer for one in made} == {shop.user("ada"), shop.visitor("v1")}
        papers = sorted(written.iterdir())
        assert papers == sorted(written / f"erasure-{one.erasure}.json" for one in made)
        for paper in papers:
            capsys.readouterr()
            assert verify(restoring.settings, paper) == 0, capsys.readouterr().out

        assert again(restoring.settings, files, wait=GENEROUS) == 0
        assert "✓ ada.json: forgotten already\n✓ cyd.json: forgotten already\n" in (
            capsys.readouterr().out
        )
        assert asked_for(restoring.settings) == len(made)


def test_who_is_forgotten_in_the_log_and_lives_by_older_keys_loses_them_again(
    restoring: Restoring, capsys: pytest.CaptureFixture[str]
) -> None:
    restoring.desk.know("ada")
    older = restoring.take("older")
    file = restoring.forget("ada")
    newer = restoring.take("newer")
    ada = restoring.desk.shop.user("ada")
    run_restore(restoring.settings, newer.data, older.keys, restoring.key_file, older_keys=True)
    assert again(restoring.settings, [file], wait=0) == 0
    told = capsys.readouterr().out
    assert "✓ ada.json: forgotten again" in told
    assert "`huike rebuild` what views were made since" in told
    assert restoring.settings.log_url is not None
    with Shop.open(restoring.settings.log_url, restoring.settings.keyring_file) as shop:
        assert shop.sealer.forgotten({ada}) == {ada}


def test_what_holds_an_erasure_up_is_told(
    restoring: Restoring, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = restoring.desk.know("ada")
    older = restoring.take("older")
    file = restoring.forget("ada")
    with restoring.back(older, older) as desk:
        desk.hold(ada)
        assert again(restoring.settings, [file], wait=GENEROUS) == 1
        assert "waits for legal-hold" in capsys.readouterr().out
        assert desk.shop.sealer.has_key(ada)


def test_who_turned_out_to_be_somebody_else_since_is_left_to_decide(
    restoring: Restoring, capsys: pytest.CaptureFixture[str]
) -> None:
    restoring.desk.know("ada")
    restoring.desk.shop.email(None, "v@example.com", visitor="v1")
    older = restoring.take("older")
    restoring.desk.shop.recognise("v1", "ada")
    file = restoring.forget("ada")
    with restoring.back(older, older) as desk:
        bob = desk.know("bob", Person(email="bob@example.com"))
        desk.shop.recognise("v1", "bob")
        assert again(restoring.settings, [file], wait=GENEROUS) == 1
        assert f"one with {bob}, whom it does not name" in capsys.readouterr().out
        assert desk.shop.sealer.has_key(bob)
        assert not desk.shop.sealer.has_key(desk.shop.user("ada"))


def test_where_the_key_that_signed_it_was_lost_its_public_half_is_given(
    restoring: Restoring, capsys: pytest.CaptureFixture[str]
) -> None:
    signed = file_beside(restoring.desk.settings.keyring_file)
    signed.unlink()
    restoring.desk.know("ada")
    older = restoring.take("older")
    file = restoring.forget("ada")
    public = restoring.folder / "huike.pem"
    public.write_text(Signer.beside(restoring.desk.settings.keyring_file).public_pem)
    with restoring.back(older, older):
        assert again(restoring.settings, [file], wait=0) == 2
        assert "another service's" in capsys.readouterr().err
        assert again(restoring.settings, [file], [public], wait=GENEROUS) == 0
        assert "forgotten again, and certified" in capsys.readouterr().out


def test_by_a_certificate_that_was_changed_nobody_is_forgotten(
    restoring: Restoring, capsys: pytest.CaptureFixture[str]
) -> None:
    bob = restoring.desk.know("bob", Person(email="bob@example.com"))
    ada = restoring.desk.know("ada")
    file = restoring.forget("ada")
    whole = file.read_bytes()
    file.write_bytes(whole.replace(str(ada).encode(), str(bob).encode()))
    assert again(restoring.desk.settings, [file], wait=0) == 2
    file.write_bytes(whole[:-9])
    assert again(restoring.desk.settings, [file], wait=0) == 2
    assert "no certificate of an erasure that this service made" in capsys.readouterr().err
    assert restoring.desk.shop.sealer.has_key(bob)
