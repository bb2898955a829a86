"""Chores are done again and again, and one that fails keeps no other from being done."""

import threading

from consumers.chores import Chores
from infra.settings import Settings
from tests.consumers.following import WAIT_SECONDS


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
