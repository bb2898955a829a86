"""The parts of an installation as they are found: files, databases, views, Kafka, the server."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx2
import msgspec
import psycopg
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from consumers.erasure.standing import of_erasures
from consumers.ghosts import of_keys
from consumers.keyring import of_epochs
from consumers.mistakes import first_line
from consumers.place import NoDatabase, placed
from consumers.reached import of_login, of_way
from consumers.retention import of_retention
from consumers.upkeep import of_upkeep
from domain.shared.ids import Ids
from infra.installation import mark_of, same_installation
from infra.kafka import client
from infra.keyring import Keyring, KeyringLost, KeyringWrapped
from infra.postgres import KEEPER, READER, VIEWS, WRITER, connect
from infra.settings import Settings
from infra.vault import VaultFailed
from projections.catalogue import VIEWS as CATALOGUE

_FAR_BEHIND: Final = 15.0
_OLDEST_POSTGRES: Final = 15
_LITTLE_ROOM: Final = 2 * 1024**3
_KMS_OR_FILE: Final = (
    "look first whether HUIKE_EPOCH_COMMAND asks the KMS that wrapped the keyring, and leave "
    "the file where it is; only if it does, the file is another log's"
)

_START: Final = "start `huike up`, or `huike serve` and `huike work views`"
_BEHIND: Final = (
    "does `huike work views` run? its log says what holds it; after a restore, wait for it"
)
_MAKES_IT: Final = "the first `huike keys add` or start"

Look = Callable[[psycopg.Connection[Any]], Iterator["Finding"]]


class Finding(msgspec.Struct, frozen=True):
    """What was looked at, what was found, and (when it is wrong) what to do."""

    what: str
    found: str
    mend: str | None = None


def findings(settings: Settings) -> Iterator[Finding]:
    """Look at every part that can be looked at."""
    yield from _of_home(settings)
    keyring = None
    for finding, held in _of_keyring(settings):
        keyring = held
        yield finding
    try:
        settings = placed(settings)
    except NoDatabase as missing:
        yield Finding("log", "no database", str(missing))
    else:
        assert settings.log_url is not None
        yield from _of_log(settings, settings.log_url, keyring)
        if keyring is not None:
            yield from (Finding("epoch", *told) for told in of_epochs(settings.log_url, keyring))
        yield from (Finding("keys", *told) for told in of_keys(settings.log_url))
        yield from (Finding("erasures", *told) for told in of_erasures(settings.log_url))
        for told in of_retention(settings, settings.log_url):
            yield Finding("retention", *told)
        yield from (Finding(*told) for told in of_upkeep(settings, settings.log_url))
        yield from _of_views(settings)
    if settings.kafka_bootstrap is not None:
        yield from _of_kafka(settings)
    yield _of_server(settings.local_url, None if keyring is None else mark_of(Ids(keyring.secret)))


def _of_home(settings: Settings) -> Iterator[Finding]:
    home = settings.home.absolute()
    if not home.exists():
        yield Finding("home", f"{home}, not there yet")
        return
    free = shutil.disk_usage(home).free
    room = f"{free / 1024**3:,.1f} GiB free"
    yield Finding("home", f"{home}, {room}", "make room" if free < _LITTLE_ROOM else None)


def _of_keyring(settings: Settings) -> Iterator[tuple[Finding, Keyring | None]]:
    file = settings.keyring_file
    if not file.exists():
        yield Finding("keyring", f"no {file} yet; of a new log, {_MAKES_IT} makes it"), None
        return
    try:
        keyring = Keyring.open(file, settings.vault)
        loose = file.stat().st_mode & 0o077
    except (VaultFailed, KeyringWrapped) as error:
        yield Finding("keyring", str(error), "mend HUIKE_EPOCH_COMMAND; try it by hand"), None
        return
    except (OSError, KeyringLost) as error:
        yield Finding("keyring", str(error), "put back the newest copy of it"), None
        return
    mend = f"others may read it: chmod 600 {file}" if loose else None
    told = f"{file}; keep a copy apart from the database"
    if settings.vault is not None:
        told += f"; {settings.vault.program} unwraps it"
        if keyring.in_the_clear:
            mend = mend or "not all is wrapped: `huike keyring wrap` does that"
    yield Finding("keyring", told, mend), keyring


def _of_log(settings: Settings, url: str, keyring: Keyring | None) -> Iterator[Finding]:
    def look(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
        version = connection.info.server_version // 10_000
        old = None if version >= _OLDEST_POSTGRES else f"use Postgres {_OLDEST_POSTGRES} or later"
        yield Finding("log", f"Postgres {version}", old)
        needed = (WRITER, KEEPER) if settings.views_url else (WRITER, KEEPER, VIEWS, READER)
        yield Finding("login", *of_login(connection, needed))
        for told in of_way(connection):
            yield Finding("way to the log", *told)
        head = connection.execute("select coalesce(max(position), 0) from log.batch").fetchone()
        refused = connection.execute(
            "select count(*) from log.refused where resent_at is null"
        ).fetchone()
        yield Finding("facts", f"{head[0] if head else 0:,}")
        yield Finding("refused events", f"{refused[0] if refused else 0:,} wait at /api/refused")
        if keyring is not None:
            if not same_installation(connection, Ids(keyring.secret), claim=False):
                mend = _KMS_OR_FILE if keyring.wrapped else str(KeyringLost.__doc__)
                yield Finding("keyring of this log", "another one", mend)
        elif not settings.keyring_file.exists():  # one that does not open says so itself
            claimed = connection.execute("select fingerprint from log.installation").fetchone()
            if claimed is not None and claimed[0] is not None:
                yield Finding("keyring of this log", "not there", "put back the newest copy of it")

    yield from _asked("log", url, WRITER, look, _unmade("HUIKE_LOG_URL"))


def _of_views(settings: Settings) -> Iterator[Finding]:
    def look(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
        if settings.views_url is not None:
            for told in of_way(connection):
                yield Finding("way to the views", *told)
        for view, version, position, age, slots in connection.execute(
            "select a.view, a.version, min(c.position), "
            "extract(epoch from clock_timestamp() - min(c.clock)), count(*) "
            "from views.active a join views.checkpoint c using (view, version, generation) "
            "group by a.view, a.version order by a.view"
        ).fetchall():
            fresh = float(age) <= _FAR_BEHIND
            mend = None if fresh else _BEHIND
            if view in CATALOGUE and version != CATALOGUE[view].version:
                mend = f"this Huike knows v{CATALOGUE[view].version} of it: `huike rebuild {view}`"
            elif slots != settings.slots:
                mend = f"it has {slots} slots: set HUIKE_SLOTS to {slots}"
            state = f"{float(age):.0f} s behind" if position else "nothing yet"
            yield Finding(f"view {view} v{version}", f"at fact {position:,}, {state}", mend)
        if connection.execute("select from views.active limit 1").fetchone() is None:
            yield Finding("views", "none was made yet", _START)
        for view, slot, position, why in connection.execute(
            "select view, slot, coalesce(position, 0), why from views.trouble order by view, slot"
        ).fetchall():
            yield Finding(
                f"view {view}, slot {slot}",
                f"stopped before fact {position:,}: {why}",
                "mend the fold, or run the version that knows the fact: it goes on from there",
            )

    url = settings.views_or_log_url
    assert url is not None
    which = "HUIKE_VIEWS_URL" if settings.views_url else "HUIKE_LOG_URL"
    yield from _asked("views", url, VIEWS, look, _unmade(which))


def _of_kafka(settings: Settings) -> Iterator[Finding]:
    try:
        admin = client(
            KafkaAdminClient, settings, request_timeout_ms=5_000, bootstrap_timeout_ms=5_000
        )
    except KafkaError as error:
        yield Finding("Kafka", first_line(error), "start it, or mend HUIKE_KAFKA_BOOTSTRAP")
        return
    try:
        partitions = {
            topic["name"]: len(topic["partitions"])
            for topic in admin.describe_topics(list(admin.list_topics()))
        }
    finally:
        admin.close()
    for topic in (settings.kafka_topic_in, settings.kafka_topic_dead, settings.kafka_topic_facts):
        count = partitions.get(topic, 0)
        mend = None if count else "`huike topics` makes it"
        if topic == settings.kafka_topic_facts and count not in {0, settings.slots}:
            mend = f"{settings.slots} are wanted, as HUIKE_SLOTS says: name another topic"
        yield Finding(f"topic {topic}", f"{count} partitions" if count else "missing", mend)


def _of_server(url: str, mark: str | None) -> Finding:
    """Look who answers. `mark`: that of this home's keyring, if it has one yet."""
    elsewhere = "set HUIKE_PORT to another, or HUIKE_HOME to its home"
    try:
        answer = httpx2.get(f"{url}/ready", timeout=5)
        told, installation = answer.json()["status"], answer.json()["installation"]
    except httpx2.ConnectError:
        return Finding("server", f"none at {url}")
    except httpx2.TimeoutException:
        return Finding("server", f"no answer at {url} within five seconds", "look at its log")
    except (httpx2.TransportError, ValueError, KeyError, TypeError):
        return Finding("server", f"something else answers at {url}", "set HUIKE_PORT to another")
    if installation != mark:
        return Finding("server", f"another home's Huike answers at {url}", elsewhere)
    return Finding("server", f"{told} at {url}", None if answer.is_success else answer.text)


def _unmade(setting: str) -> str:
    return f"start it, mend {setting}, or let `huike migrate` make its roles and tables"


def _asked(what: str, url: str, role: str, look: Look, mend: str) -> Iterator[Finding]:
    try:
        with connect(url, role) as connection:
            yield from look(connection)
    except psycopg.errors.UndefinedTable:
        yield _without_tables(what, url)
    except psycopg.Error as error:
        yield Finding(what, first_line(error), mend)


def _without_tables(what: str, url: str) -> Finding:
    """Say who makes them: a start, if its login may."""
    try:
        with connect(url) as connection:
            row = connection.execute(
                "select session_user::text, "
                "has_database_privilege(session_user, current_database(), 'create')"
            ).fetchone()
    except psycopg.Error as error:
        return Finding(what, first_line(error), _unmade("its address"))
    if row is not None and not row[1]:
        mend = "run `huike migrate` by the address of the database's owner"
        return Finding(what, f"no tables yet, and {row[0]} may make none", mend)
    return Finding(what, "no tables yet; the first start makes them", _START)
