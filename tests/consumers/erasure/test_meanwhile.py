"""What goes on while somebody is forgotten leaves nothing of them behind."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest

from consumers.erasure.checking import verify
from consumers.rebuild import rebuild_view
from infra.erasures import Erasure
from infra.jobs import Jobs, Progress, Worker
from infra.postgres import WRITER, pool
from projections import catalogue
from projections.runtime import schema
from projections.runtime.compare import Compared
from projections.runtime.schema import Generation
from tests.consumers.erasure.asked import Privacy
from tests.consumers.following import eventually
from tests.projections.histories import SLOTS

pytestmark = pytest.mark.slow

GENEROUS: Final = 60.0
Holds = Callable[[Erasure], None]


@pytest.fixture
def holds(desk: Privacy, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Holds:
    """Make sure that nothing contradicts a certificate."""

    def check(erasure: Erasure) -> None:
        assert erasure.certificate is not None
        file = tmp_path / "certificate.json"
        file.write_bytes(erasure.certificate)
        capsys.readouterr()
        assert verify(desk.settings, file) == 0, capsys.readouterr().out

    return check


def known_to_all_views(desk: Privacy, name: str) -> UUID:
    customer = desk.know(name)

    def are_there() -> bool:
        rows = desk.shop.connection.execute("select position from huike.freshness").fetchall()
        head = desk.shop.reader.head().position
        return len(rows) == len(catalogue.VIEWS) and all(at >= head for (at,) in rows)

    eventually(are_there, "views at the log's head")
    return customer


@pytest.mark.parametrize("name", ["profile", "timeline"])
def test_rows_that_are_rebuilt_meanwhile_are_empty_when_they_are_served(
    desk: Privacy, holds: Holds, name: str
) -> None:
    ada = known_to_all_views(desk, "ada")
    certified: list[Erasure] = []

    def forget(_: Compared) -> bool:
        certified.append(desk.certified(desk.request(ada)))
        return True

    made = rebuild_view(desk.settings, catalogue.VIEWS[name], processes=1, decide=forget)
    assert made.swapped
    holds(*certified)


def test_rows_that_a_killed_rebuild_left_go(desk: Privacy, holds: Holds) -> None:
    ada = known_to_all_views(desk, "ada")
    profile = catalogue.VIEWS["profile"]
    left = Generation.of(profile, 7)
    with desk.shop.connection.transaction():
        schema.create(desk.shop.connection, profile, left, SLOTS)
    holds(desk.certified(desk.request(ada)))
    found = desk.shop.connection.execute("select to_regnamespace(%s)", (left.schema,)).fetchone()
    assert found == (None,)


def test_a_job_that_is_worked_on_meanwhile_is_begun_anew(desk: Privacy, holds: Holds) -> None:
    ada = known_to_all_views(desk, "ada")
    reads, forgotten = threading.Event(), threading.Event()
    answers = iter(["a•••@e•••.com", None])

    def customers(_: Mapping[str, Any], __: Progress) -> Any:
        answer = {"customer": ada, "email": next(answers)}
        reads.set()
        assert forgotten.wait(GENEROUS)
        return answer

    with pool(desk.shop.url, WRITER, size=1) as writer:
        jobs = Jobs(writer)
        worker = Worker(desk.shop.url, jobs, {"customers": customers})
        worker.start()
        try:
            job = jobs.ask("customers", {}, "a key")
            assert reads.wait(GENEROUS)
            certified = desk.certified(desk.request(ada))
            forgotten.set()
            eventually(lambda: jobs.find(job.id).state == "done", "an answer")
        finally:
            forgotten.set()
            worker.stop()
        assert jobs.find(job.id).answer == {"customer": str(ada), "email": None}
    holds(certified)
