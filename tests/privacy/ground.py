"""An installation in which persons leave marks everywhere, and some of them are forgotten."""

import base64
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx2
import pytest

from consumers.erasure import carrying_out
from infra.backup.key import BackupKey
from infra.dev.postgres import EmbeddedPostgres
from infra.postgres import OWNER, connect
from infra.signing import file_beside
from tests.cli.running import Done, Installation, await_that
from tests.conftest import run_sql
from tests.drills.ground import settings_of
from tests.drills.looking import head, settle
from tests.privacy import planting
from tests.privacy.marks import Person, spelled
from tests.privacy.opening import Keys, Letter, letters

BY_HTTP: Final = range(425)
BY_KAFKA: Final = range(425, 525)
SERVED: Final = range(40)
WRONG: Final = Person(0)
"""Who stays: what is asked wrongly does not say of whom."""
WAIT_SECONDS: Final = 400.0
PASSWORD: Final = "zq7-pass-word"  # noqa: S105  # nobody is asked for it by a socket
NOWHERE: Final = f"postgresql://huike:{PASSWORD}@127.0.0.1:1/huike"

_LEFT: Final = "select count(*) from log.erasure where state <> 'certified'"
_HALF: Final = "select count(*) from log.erasure where state <> 'erased'"


class Kept(NamedTuple):
    """Where what is kept stands: a database, and records of topics."""

    url: str
    keys: Keys
    facts: Sequence[Letter] = ()
    dead: Sequence[Letter] = ()


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
            HUIKE_LOG_URL=self.postgres.database("huike").replace("@", f":{PASSWORD}@"),
            HUIKE_KAFKA_BOOTSTRAP=bootstrap,
            HUIKE_KAFKA_TOPIC_IN=f"{name}.events",
            HUIKE_KAFKA_TOPIC_DEAD=self.dead,
            HUIKE_KAFKA_TOPIC_FACTS=self.facts,
            HUIKE_ERASURE_DAYS="0",
        )
        self.settings = settings_of(self.installation)
        self.url = self.installation.environment["HUIKE_LOG_URL"]
        self.backup = folder / "backup"
        self.key = str(folder / "backup.key")
        self.answers: list[httpx2.Response] = []
        self.secrets: dict[str, Sequence[bytes]] = {"password": spelled(PASSWORD.encode())}
        self._said = b""
        self._metrics = b""

    def live(self) -> None:
        """Run everything, hear of everybody, be asked, take a backup, stop."""
        here = self.installation
        self._done("topics")
        with ExitStack() as stack:
            server = stack.enter_context(here.running("serve"))
            here.await_ready(server)
            for part in ("relay", "shop", "views"):
                stack.enter_context(here.running("work", part))
            planting.publish_by_kafka(self.settings, map(Person, BY_KAFKA))
            scopes = ("query", "command", "audit", "personal", "admin", "ingest", "metrics")
            self.desk = here.key(*scopes)
            self.secrets["key"] = spelled(self.desk.encode())
            with here.client(self.desk) as client:
                planting.publish(client, map(Person, BY_HTTP))
                planting.publish_parcels(client, map(Person, SERVED))
                campaign = planting.campaign(client)
                for number in SERVED:
                    planting.serve(client, Person(number), campaign)
                self.answers += planting.ask_wrongly(client, WRONG)
                last = Person(BY_KAFKA[-1])
                await_that(lambda: self._knows(client, last), here.told, within=WAIT_SECONDS)
                settle(self.settings, within=WAIT_SECONDS)
                self._ask(client)
                self._metrics = client.get("/metrics").raise_for_status().content
            self._done("backup-key", self.key)
            self._done("backup", "--to", str(self.backup), "--key", self.key)
            self._heard(here.run("doctor"))
            self._heard(here.run("doctor", HUIKE_LOG_URL=NOWHERE))
        self._written()

    def forget(self, persons: Collection[int]) -> None:
        """Have persons ask to be forgotten, carry it out, begin a new epoch, take a backup."""
        here = self.installation
        with ExitStack() as stack:
            server = stack.enter_context(here.running("serve"))
            here.await_ready(server)
            desk = stack.enter_context(here.client(self.desk))
            for person in map(Person, persons):
                users = ("user", "served") if person.number in SERVED else ("user",)
                for user in users:
                    asked = desk.post(f"/api/customers/user:{person.mark(user)}/erasure")
                    assert asked.status_code == 202, asked.text
        with pytest.MonkeyPatch.context() as alone:  # nobody else runs who would let go of keys
            alone.setattr(carrying_out, "FORGOTTEN_WITHIN_SECONDS", 0)
            carrying_out.carry_out(self.settings)
        assert self._counted(_HALF) == 0, here.told()
        with here.running("work", "relay"), here.running("work", "views"):
            await_that(lambda: self._counted(_LEFT) == 0, here.told, within=WAIT_SECONDS)
            settle(self.settings, within=WAIT_SECONDS)
        self._done("keyring", "renew")
        self._done("backup", "--to", str(self.backup), "--key", self.key)
        self._written()

    def said(self) -> Mapping[str, bytes]:
        """Return what is said of the installation to operators, monitors and who asks wrongly."""
        return {
            "logs": self.installation.errors.read_bytes(),
            "commands": self._said,
            "metrics": self._metrics,
            "refusals": b"".join(map(_whole, self.answers)),
        }

    def kept(self) -> Kept:
        """Say where everything is kept that is kept now."""
        facts, dead = (letters(self.settings, topic) for topic in (self.facts, self.dead))
        return Kept(self.url, Keys(self.url, self.settings.keyring_file), facts, dead)

    def aside(self) -> Kept:
        """Put a copy of all aside, as who has the disk of the server does, with its keys."""
        self.postgres.database("other")
        url = self.postgres.database("other").replace("/other", "/then")
        run_sql(self.postgres.database("other"), 'create database "then" template huike')
        keyring = self.installation.folder / "keyring-of-then.json"
        keyring.write_bytes(self.settings.keyring_file.read_bytes())
        return self.kept()._replace(url=url, keys=Keys(url, keyring))

    def restored(self) -> Kept:
        """Restore the oldest backup elsewhere, with the newest keys."""
        folder = self.installation.folder / "restored"
        folder.mkdir()
        there = {
            "HUIKE_HOME": str(folder / "home"),
            "HUIKE_LOG_URL": self.postgres.database("restored"),
        }
        oldest = min(self.backup.glob("*.huike-data"))
        self._done("restore", str(oldest), "--key", self.key, **there)
        url = there["HUIKE_LOG_URL"]
        return Kept(url, Keys(url, folder / "home" / "keyring.json"))

    def topics(self, *names: str) -> Iterator[Path]:
        for folder in (self.kafka / "data").iterdir():
            if folder.is_dir() and folder.name.rpartition("-")[0] in names:
                yield folder

    def _done(self, *command: str, **more: Any) -> Done:
        done = self.installation.run(*command, **more)
        assert done.returncode == 0, done.stderr
        return self._heard(done)

    def _heard(self, done: Done) -> Done:
        self._said += (done.stdout + done.stderr).encode()
        return done

    def _written(self) -> None:
        run_sql(self.url, "checkpoint")
        keyring = json.loads(self.settings.keyring_file.read_text())
        keys = {f"epoch {epoch}": key for epoch, key in keyring["epochs"].items()}
        keys["secret"] = keyring["secret"]
        self.secrets |= {name: spelled(base64.b64decode(key)) for name, key in keys.items()}
        self.secrets["backup"] = spelled(BackupKey.read(Path(self.key)).secret)
        signing = file_beside(self.settings.keyring_file)
        if signing.exists():  # it is made with the first certificate
            _, *self.secrets["signing"], _ = signing.read_bytes().splitlines()

    def _counted(self, query: str) -> int:
        with closing(connect(self.url, OWNER)) as owner:
            row = owner.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])

    @staticmethod
    def _knows(client: httpx2.Client, person: Person) -> bool:
        found = client.get(f"/api/customers/by/email/{person.email}").json()
        return len(found.get("customers", ())) == 1

    def _ask(self, client: httpx2.Client) -> None:
        """Ask what opens personal fields: it must not be kept either."""
        for number in SERVED:
            person = Person(number)
            whole = client.get(f"/api/customers/user:{person.mark('user')}").json()
            assert whole["email"] == person.email
            client.get(f"/api/customers/user:{person.mark('served')}/timeline")
            client.get(f"/api/customers/by/phone/{person.phone}")
            why = {"reason": person.mark("whyrevealed")}
            shown = client.post(f"/api/customers/user:{person.mark('user')}/reveal", json=why)
            assert shown.is_success, shown.text
        exported = client.get("/api/customers/export", params={"format": "csv"})
        assert Person(1).mark("name") in exported.text
        job = client.get("/api/customers", params={"known_at": head(self.settings), "limit": 500})
        assert job.status_code == 202, job.text
        place = job.json()["ask"]
        await_that(lambda: client.get(place).json()["state"] == "done", within=WAIT_SECONDS)


def _whole(answer: httpx2.Response) -> bytes:
    return b"\n".join([*(b": ".join(header) for header in answer.headers.raw), answer.content])
