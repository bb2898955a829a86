"""Chores are done again and again, and one that fails keeps no other from being done."""

import threading
from pathlib import Path

import pytest

from consumers.chores import Chores
from consumers.keyring import renew_daily
from infra.keyring import Keyring
from infra.settings import Settings
from tests.consumers.following import WAIT_SECONDS
from tests.infra.kms import Kms


def test_a_chore_that_fails_is_tried_again_and_the_others_go_on(settings: Settings) -> None:
    tried, done = threading.Semaphore(0), threading.Semaphore(0)

    def fails(_: Settings) -> None:
        tried.release()
        raise ValueError("cannot be done")

    def goes_on(_: Settings) -> None:
        done.release()

    with Chores(settings, {"fails": (fails, 0.01), "goes on": (goes_on, 0.01)}):
        for _ in range(3):
            assert tried.acquire(timeout=WAIT_SECONDS)
            assert done.acquire(timeout=WAIT_SECONDS)


def test_a_long_chore_holds_up_no_other(settings: Settings) -> None:
    begun, done, end = threading.Event(), threading.Semaphore(0), threading.Event()

    def lasts(_: Settings) -> None:
        begun.set()
        end.wait(WAIT_SECONDS)

    def goes_on(_: Settings) -> None:
        done.release()

    with Chores(settings, {"lasts": (lasts, 0.01), "goes on": (goes_on, 0.01)}):
        assert begun.wait(WAIT_SECONDS)
        for _ in range(3):
            assert done.acquire(timeout=WAIT_SECONDS)
        end.set()


def test_whether_an_epoch_is_due_is_seen_without_asking_a_kms(
    settings: Settings, tmp_path: Path
) -> None:
    kms = Kms(tmp_path / "kms")
    settings = settings.model_copy(
        update={"epoch_command": kms.line, "keyring": tmp_path / "wrapped.json"}
    )
    Keyring.open(settings.keyring_file, settings.vault)
    asked = len(kms.asked)
    renew_daily(settings)
    assert len(kms.asked) == asked


def test_a_keyring_that_is_gone_is_not_made_anew(settings: Settings) -> None:
    settings.keyring_file.unlink()
    with pytest.raises(FileNotFoundError):
        renew_daily(settings)
    assert not settings.keyring_file.exists()
