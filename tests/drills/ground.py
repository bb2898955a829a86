"""What drills stand on: servers and installations of their own, in a folder that is removed."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from uuid import uuid4

from infra.dev import kafka_install
from infra.dev.kafka import EmbeddedKafka
from infra.dev.kafka_install import KafkaUnavailable
from infra.dev.postgres import EmbeddedPostgres
from infra.migrations import migrate
from infra.settings import Settings
from tests.cli.running import Installation
from tests.drills.drill import Say, Skipped
from tests.ports import free_port

SLOTS = 8


class Ground:
    """Opened for one drill; whatever it started is ended with it.

    `short`: the form that `make test` keeps. `kafka`: where a Kafka is that may be shared.
    """

    def __init__(
        self, folder: Path, *, short: bool, say: Say, kafka: Callable[[], str] | None = None
    ) -> None:
        self.folder = folder
        self.short = short
        self.say = say
        self._shared = kafka
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._clear()
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o711)  # as root, Postgres is another user
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._open.close()
        if kind is not None:
            self.keep_logs()
        self._clear()

    def keep_logs(self) -> None:
        """Leave behind what the processes said of a drill that broke off or did not hold."""
        kept = self.folder.with_suffix(".logs")
        shutil.rmtree(kept, ignore_errors=True)
        for file in (*self.folder.glob("**/huike.log"), *self.folder.glob("*/errors")):
            copy = kept / file.relative_to(self.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        self.say(f"what its processes said is in {kept}")

    def _clear(self) -> None:
        """Also after a run that was killed."""
        for remains in self.folder.glob("*/**/postmaster.pid"):
            EmbeddedPostgres(remains.parents[1]).stop()
        for remains in self.folder.glob("**/server.properties"):
            EmbeddedKafka(remains.parent).kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def of(self, long: int, short: int) -> int:
        """Return how much of something there is in this form."""
        return short if self.short else long

    @property
    def pause(self) -> float:
        """Seconds between two batches of a load: in the short form it is there, and no more."""
        return 0.1 if self.short else 0.02

    def installation(self, name: str = "huike", **more: str) -> Installation:
        """Return an installation in a folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        folder.chmod(0o711)
        return Installation(folder, HUIKE_SLOTS=str(SLOTS), **more)

    def with_kafka(self, bootstrap: str) -> dict[str, str]:
        """Return settings by which an installation has topics of its own on a Kafka."""
        name = uuid4().hex[:12]
        return {
            "HUIKE_KAFKA_BOOTSTRAP": bootstrap,
            "HUIKE_KAFKA_TOPIC_IN": f"{name}.events",
            "HUIKE_KAFKA_TOPIC_DEAD": f"{name}.events.dead",
            "HUIKE_KAFKA_TOPIC_FACTS": f"{name}.facts",
        }

    def postgres(self, name: str = "postgres") -> EmbeddedPostgres:
        """Start a Postgres that keeps what it has committed."""
        return self._open.enter_context(self.postgres_in(self.folder / name))

    @staticmethod
    def postgres_in(folder: Path) -> EmbeddedPostgres:
        """Return a Postgres, to be started, in a folder of anybody's."""
        return EmbeddedPostgres(folder, port=free_port())

    def database(self, server: EmbeddedPostgres) -> str:
        """Make a database with the log's tables; return its url."""
        url = server.database(f"drill_{uuid4().hex[:12]}")
        migrate(url)
        return url

    def kafka(self) -> str:
        """Return where a Kafka is that others may use too. Raises Skipped."""
        if self._shared is not None:
            return self._shared()
        return self.own_kafka().bootstrap

    def own_kafka(self) -> EmbeddedKafka:
        """Start a Kafka to be harmed. Raises Skipped."""
        try:
            kafka_install.java()
            kafka_install.jars()
        except KafkaUnavailable as why:
            raise Skipped(str(why)) from why
        return self._open.enter_context(EmbeddedKafka(self.folder / "kafka", brief=self.short))


def settings_of(installation: Installation) -> Settings:
    """Return an installation's settings, for programs in this process."""
    given = {
        name.removeprefix("HUIKE_").lower(): value
        for name, value in installation.environment.items()
        if name.startswith("HUIKE_")
    }
    settings = Settings.model_validate(given)
    return (
        settings
        if settings.log_url
        else settings.model_copy(update={"log_url": installation.database})
    )
