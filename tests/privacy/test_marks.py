"""Who somebody is stands in the clear nowhere: in no database, topic of ours, log or backup."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infra.dev.postgres import EmbeddedPostgres
from tests.cli.running import Installation, await_that
from tests.conftest import run_sql
from tests.drills.ground import settings_of
from tests.drills.looking import settle
from tests.privacy import marks, planting
from tests.privacy.marks import Person

BY_HTTP = range(400)
BY_KAFKA = range(400, 500)
SERVED = range(40)


class Ground:
    """An installation that has heard of everybody and was asked all there is to ask."""

    def __init__(self, folder: Path, kafka: Path, bootstrap: str) -> None:
        name = uuid4().hex
        self.facts, self.dead = f"{name}.facts", f"{name}.events.dead"
        self.kafka = kafka
        self.postgres = EmbeddedPostgres(folder / "postgres", durable=False)
        self.postgres.start()
        self.installation = Installation(
            folder,
            HUIKE_LOG_URL=self.postgres.database("huike"),
            HUIKE_KAFKA_BOOTSTRAP=bootstrap,
            HUIKE_KAFKA_TOPIC_IN=f"{name}.events",
            HUIKE_KAFKA_TOPIC_DEAD=self.dead,
            HUIKE_KAFKA_TOPIC_FACTS=self.facts,
        )
        self.backup = folder / "backup"
        self.answers: list[Any] = []

    def live(self) -> None:
        """Run everything, hear of everybody, be asked, take a backup, stop."""
        here = self.installation
        assert here.run("topics").returncode == 0
        with ExitStack() as stack:
            server = stack.enter_context(here.running("serve"))
            here.await_ready(server)
            for part in ("relay", "shop", "views"):
                stack.enter_context(here.running("work", part))
            settings = settings_of(here)
            planting.publish_by_kafka(settings, map(Person, BY_KAFKA))
            with here.client(here.key("ingest")) as shop:
                planting.publish(shop, map(Person, BY_HTTP))
            desk = here.key("query", "command", "audit", "personal", "admin", "ingest")
            with here.client(desk) as client:
                for number in SERVED:
                    planting.serve(client, Person(number))
                self.answers += planting.ask_wrongly(client, Person(0))
                last = Person(BY_KAFKA[-1])
                await_that(lambda: self._knows(client, last), here.told, within=180)
                settle(settings, within=180)
                self._ask(client)
            key = str(here.folder / "backup.key")
            made = here.run("backup-key", key)
            assert made.returncode == 0, made.stderr
            taken = here.run("backup", "--to", str(self.backup), "--key", key)
            assert taken.returncode == 0, taken.stderr
            here.run("doctor")
        run_sql(here.environment["HUIKE_LOG_URL"], "checkpoint")

    @staticmethod
    def _knows(client: Any, person: Person) -> bool:
        found = client.get(f"/api/customers/by/email/{person.email}").json()
        return len(found.get("customers", ())) == 1

    @staticmethod
    def _ask(client: Any) -> None:
        """Ask what opens personal fields: it must not be kept either."""
        for number in SERVED:
            person = Person(number)
            whole = client.get(f"/api/customers/user:{person.mark('user')}").json()
            assert whole["email"] == person.email
            client.get(f"/api/customers/user:{person.mark('served')}/timeline")
            client.get(f"/api/customers/by/phone/{person.phone}")
        exported = client.get("/api/customers/export", params={"format": "csv"})
        assert Person(1).mark("name") in exported.text

    def topics(self, *names: str) -> Iterator[Path]:
        for folder in (self.kafka / "data").iterdir():
            if folder.is_dir() and folder.name.rpartition("-")[0] in names:
                yield folder


@pytest.fixture
def ground(server_folder: Path, run_root: Path, kafka_bootstrap: str) -> Iterator[Ground]:
    if not (run_root / "kafka").is_dir():
        pytest.skip("needs to see the files of the Kafka that HUIKE_TEST_KAFKA names")
    made = Ground(server_folder, run_root / "kafka", kafka_bootstrap)
    yield made
    made.postgres.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_who_somebody_is_stands_in_the_clear_nowhere(ground: Ground) -> None:
    ground.live()
    postgres, here = ground.postgres, ground.installation
    topics = [*ground.topics(ground.facts, ground.dead)]
    for kept in (postgres.directory, ground.backup, *topics):
        assert any(files_of(kept)), kept
    assert is_kept(planting.PLAIN, postgres.directory)
    assert any(is_kept(planting.PLAIN, topic) for topic in topics)
    assert is_kept('"message": "request"', here.folder)
    assert {
        "files of the database": marks.found_in_files(postgres.directory),
        "rows": marks.found_in_tables(postgres.database("huike")),
        "topics": [found for topic in topics if (found := marks.found_in_files(topic))],
        "home": marks.found_in_files(here.home),
        "logs": marks.found_in(here.errors.read_bytes()),
        "backup": marks.found_in_files(ground.backup),
    } == {
        "files of the database": {},
        "rows": {},
        "topics": [],
        "home": {},
        "logs": {},
        "backup": {},
    }
    refused = [answer for answer in ground.answers if not answer.is_success]
    assert len(refused) > 10
    repeated = {field for answer in refused for field in marks.found_in(answer.content)}
    assert repeated == {"member", "parameter"}, "names of fields, and nothing else that was sent"


def test_a_mark_is_found_however_it_is_written() -> None:
    person = Person(7)
    told = f"{person.email.upper()} {person.phone}".encode()
    assert marks.found_in(told) == {"email": 1, "phone": 1}


def files_of(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def is_kept(word: str, folder: Path) -> bool:
    return any(word.encode() in file.read_bytes() for file in files_of(folder))
