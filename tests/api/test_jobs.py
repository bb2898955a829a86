"""Jobs: asked for, worked on in the background, asked after."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from domain.shared.refusals import NotFound, Refused
from infra.jobs import Job, Jobs, Progress, Work, Worker
from infra.keys import Role, Scope
from infra.postgres import WRITER, Pool, connect, pool


class NoAnswer(Refused):
    """Nobody knows what {what} comes to."""


@pytest.fixture
def writer(database_url: str) -> Iterator[Pool]:
    with pool(database_url, WRITER) as opened:
        yield opened


@pytest.fixture
def jobs(writer: Pool) -> Jobs:
    return Jobs(writer)


@pytest.fixture
def worker(database_url: str, jobs: Jobs) -> Callable[..., Any]:
    @contextmanager
    def working(**works: Work) -> Iterator[None]:
        hired = Worker(database_url, jobs, works)
        hired.start()
        try:
            yield
        finally:
            hired.stop()

    return working


def outcome(jobs: Jobs, job: Job) -> Job:
    deadline = time.monotonic() + 20
    while (found := jobs.find(job.id)).state not in {"done", "failed"}:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def until_gone(jobs: Jobs, job: Job) -> None:
    deadline = time.monotonic() + 20
    with suppress(NotFound):
        while jobs.find(job.id):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def double(asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    progress(0.5)
    return {"twice": Decimal(asked["number"]) * 2}


def test_a_job_is_done_in_the_background(jobs: Jobs, worker: Callable[..., Any]) -> None:
    with worker(double=double):
        job = jobs.ask("double", {"number": "21.5"}, "a key")
        done = outcome(jobs, job)
    assert (done.state, done.progress, done.answer) == ("done", 1.0, {"twice": "43.0"})
    assert done.asked == {"number": "21.5"}
    assert done.asked_by == "a key"
    assert done.finished_at is not None


def test_a_refused_job_says_why(jobs: Jobs, worker: Callable[..., Any]) -> None:
    def refuse(_: Mapping[str, Any], __: Progress) -> None:
        raise NoAnswer(what="this")

    with worker(refuse=refuse):
        done = outcome(jobs, jobs.ask("refuse", {}, "a key"))
    assert (done.state, done.error) == ("failed", "Nobody knows what this comes to.")


def test_a_broken_job_does_not_stop_the_next(jobs: Jobs, worker: Callable[..., Any]) -> None:
    def breaks(_: Mapping[str, Any], __: Progress) -> None:
        raise ZeroDivisionError("with details")

    with worker(breaks=breaks, double=double):
        broken = outcome(jobs, jobs.ask("breaks", {}, "a key"))
        done = outcome(jobs, jobs.ask("double", {"number": "1"}, "a key"))
    assert (broken.state, broken.error) == ("failed", "ZeroDivisionError")
    assert done.state == "done"


def test_a_job_whose_worker_died_is_begun_anew(
    jobs: Jobs, worker: Callable[..., Any], database_url: str
) -> None:
    job = jobs.ask("double", {"number": "4"}, "a key")
    with connect(database_url, WRITER) as connection:
        connection.execute("update log.job set state = 'running', progress = 0.5")
    with worker(double=double):
        assert outcome(jobs, job).answer == {"twice": "8"}


def test_two_workers_do_a_job_once(jobs: Jobs, worker: Callable[..., Any]) -> None:
    times: list[str] = []

    def count(asked: Mapping[str, Any], _: Progress) -> None:
        times.append(asked["name"])
        time.sleep(0.05)

    with worker(count=count), worker(count=count):
        asked = [jobs.ask("count", {"name": str(n)}, "a key") for n in range(6)]
        for job in asked:
            outcome(jobs, job)
    assert sorted(times) == ["0", "1", "2", "3", "4", "5"]


def test_a_worker_leaves_what_it_does_not_know(jobs: Jobs, worker: Callable[..., Any]) -> None:
    unknown = jobs.ask("unknown", {}, "a key")
    with worker(double=double):
        outcome(jobs, jobs.ask("double", {"number": "1"}, "a key"))
    assert jobs.find(unknown.id).state == "waiting"


def test_a_worker_comes_back_when_its_connection_is_cut(
    jobs: Jobs, worker: Callable[..., Any], database_url: str
) -> None:
    with worker(double=double):
        outcome(jobs, jobs.ask("double", {"number": "1"}, "a key"))
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
                " and application_name like 'huike%' and query like '%log.job%'"
            )
        time.sleep(0.1)
        done = outcome(jobs, jobs.ask("double", {"number": "2"}, "a key"))
    assert done.answer == {"twice": "4"}


def test_an_answer_is_let_go_of_after_thirty_days(
    jobs: Jobs, worker: Callable[..., Any], database_url: str
) -> None:
    with worker(double=double):
        old, new = (jobs.ask("double", {"number": "1"}, "a key") for _ in range(2))
        outcome(jobs, old)
        outcome(jobs, new)
    with connect(database_url, WRITER) as connection:
        connection.execute(
            "update log.job set finished_at = now() - interval '31 days' where id = %s", (old.id,)
        )
    with worker(double=double):
        until_gone(jobs, old)
    assert jobs.find(new.id).state == "done"


def test_a_job_nobody_asked_for_is_not_found(with_scopes: Callable[..., TestClient]) -> None:
    answer = with_scopes("query").get("/api/jobs/5e9f3a53-3df1-4a34-a2b8-9bb8b78d2f10")
    assert answer.status_code == 404


@pytest.mark.parametrize("role", Role)
def test_a_job_is_told_of_to_who_asked_for_it_and_to_administrators(
    role: Role, with_roles: Callable[..., TestClient]
) -> None:
    asker, colleague = (with_roles(role, name=name) for name in ("grace", "heidi"))
    place = asker.get("/api/lifecycle", params={"known_at": 0}).json()["ask"]
    assert asker.get(place).status_code == 200
    assert with_roles(Role.ADMIN).get(place).status_code == 200
    others = {other: with_roles(other).get(place).status_code for other in Role}
    assert others == {other: 200 if other is Role.ADMIN else 404 for other in Role}
    assert colleague.get(place).status_code == (200 if role is Role.ADMIN else 404)


@pytest.mark.parametrize("scope", [Scope.QUERY, Scope.AUDIT])
def test_a_key_with_scopes_sees_its_own_jobs(
    scope: Scope, with_scopes: Callable[..., TestClient]
) -> None:
    asker = with_scopes(scope)
    asked = (
        asker.post("/api/audit/verify/profile")
        if scope is Scope.AUDIT
        else asker.get("/api/lifecycle", params={"known_at": 0})
    )
    place = asked.json()["ask"]
    assert asker.get(place).status_code == 200
    assert with_scopes(scope).get(place).status_code == 404
    assert with_scopes("query", "admin").get(place).status_code == 200
