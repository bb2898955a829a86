"""Works are done in processes of their own: with the same answers, and gone when they end."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from domain.shared.refusals import NotFound
from infra.apart import apart
from infra.jobs import Failed, Jobs, Progress, Work, Worker
from infra.postgres import WRITER, pool


class Enough(Exception):
    """Whoever asked does not want to know any more."""


def double(asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    progress(0.5)
    return {"twice": Decimal(asked["number"]) * 2, "process": os.getpid()}


def refuse(asked: Mapping[str, Any], _: Progress) -> None:
    raise NotFound(what="campaign", id=asked["campaign"])


def breaks(_asked: Mapping[str, Any], _: Progress) -> None:
    raise ZeroDivisionError("with details")


def lose(_asked: Mapping[str, Any], _: Progress) -> None:
    raise psycopg.OperationalError("gone")


def die(_asked: Mapping[str, Any], _: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def linger(asked: Mapping[str, Any], progress: Progress) -> None:
    """Take for ever, the first time; say nothing meanwhile."""
    place = Path(asked["place"])
    if not place.exists():
        place.write_text(str(os.getpid()))
        progress(0.25)
        time.sleep(600)


WORKS: Mapping[str, Work] = {w.__name__: w for w in (double, refuse, breaks, lose, die, linger)}


@contextmanager
def opened(works: Mapping[str, Work]) -> Iterator[Mapping[str, Work]]:
    yield works


def done(work: Work, asked: Mapping[str, Any], progress: Progress = lambda _share: None) -> Any:
    return apart(partial(opened, WORKS), work.__name__)(asked, progress)


def test_it_answers_from_another_process_and_says_how_far_it_is() -> None:
    shares: list[float] = []
    raw = done(double, {"number": "21.5"}, shares.append)
    assert b'"twice":"43.0"' in bytes(raw)
    assert f'"process":{os.getpid()}'.encode() not in bytes(raw)
    assert 0.5 in shares


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (refuse, "There is no campaign spring."),
        (breaks, "ZeroDivisionError"),
        (die, "its process ended before it was done: ask again"),
    ],
)
def test_who_asked_is_told_why_there_is_no_answer(work: Work, why: str) -> None:
    with pytest.raises(Failed) as failed:
        done(work, {"campaign": "spring"})
    assert str(failed.value) == why


def test_a_lost_database_is_no_answer() -> None:
    with pytest.raises(psycopg.OperationalError, match="gone"):
        done(lose, {})


def test_its_process_ends_when_nobody_wants_to_know(tmp_path: Path) -> None:
    place = tmp_path / "process"

    def stop(_share: float) -> None:
        if place.exists() and place.read_text():
            raise Enough

    with pytest.raises(Enough):
        done(linger, {"place": str(place)}, stop)
    assert not psutil.pid_exists(int(place.read_text()))


def test_a_job_that_was_stopped_is_begun_anew(database_url: str, tmp_path: Path) -> None:
    place = tmp_path / "process"
    works = {"linger": apart(partial(opened, WORKS), "linger")}
    with pool(database_url, WRITER) as writer:
        jobs = Jobs(writer)
        job = jobs.ask("linger", {"place": str(place)}, "a key")
        first = Worker(database_url, jobs, works)
        first.start()
        until(lambda: jobs.find(job.id).progress == 0.25)
        first.stop()
        assert not psutil.pid_exists(int(place.read_text()))
        assert jobs.find(job.id).state == "running"
        second = Worker(database_url, jobs, works)
        second.start()
        until(lambda: jobs.find(job.id).state == "done")
        second.stop()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
