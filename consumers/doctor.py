"""The doctor: every setting and part, what is wrong with it, and how to mend it."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import psycopg
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from consumers.place import NoDatabase, placed
from domain.shared.ids import Ids
from infra.installation import same_installation
from infra.keyring import Keyring, KeyringLost
from infra.postgres import VIEWS, WRITER, connect
from infra.settings import Settings

_FAR_BEHIND: Final = 10.0


class Finding(msgspec.Struct, frozen=True):
    """What was looked at, what was found, and (when it is wrong) what to do."""

    what: str
    found: str
    mend: str | None = None


def examine(settings: Settings) -> int:
    """Print all findings; return 1 when one of them needs mending."""
    console = Console()
    console.print(_settings_table(settings))
    findings = list(_findings(settings))
    table = Table("part", "state", "what to do", title="Parts")
    for finding in findings:
        mark = "[red]✗[/red]" if finding.mend else "[green]✓[/green]"
        table.add_row(f"{mark} {finding.what}", finding.found, finding.mend or "")
    console.print(table)
    return int(any(f.mend for f in findings))


def _settings_table(settings: Settings) -> Table:
    table = Table("setting", "value", "meaning", title="Settings (environment, then huike.env)")
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        shown = "" if value is None else _without_password(str(value))
        table.add_row(f"HUIKE_{name.upper()}", shown, field.description)
    return table


def _findings(settings: Settings) -> Iterator[Finding]:
    if settings.keyring_file.exists():
        try:
            keyring = Keyring.open(settings.keyring_file)
            mode = settings.keyring_file.stat().st_mode & 0o077
            yield Finding(
                "keyring",
                str(settings.keyring_file),
                f"chmod 600 {settings.keyring_file}" if mode else None,
            )
        except (OSError, ValueError, KeyError) as error:
            keyring = None
            yield Finding("keyring", f"unreadable: {error}", "put back the newest copy of it")
    else:
        keyring = None
        yield Finding("keyring", "none yet", "`huike up` makes one; then keep a copy apart")
    try:
        settings = placed(settings)
    except NoDatabase as missing:
        yield Finding("log", "no database", str(missing))
        return
    assert settings.log_url is not None
    yield from _of_log(settings.log_url, keyring)
    yield from _of_views(settings)
    if settings.kafka_bootstrap is not None:
        yield from _of_kafka(settings)


def _of_log(url: str, keyring: Keyring | None) -> Iterator[Finding]:
    def look(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
        version = connection.info.server_version // 10_000
        old = "use Postgres 15 or later" if version < 15 else None  # noqa: PLR2004  # the oldest that is tested
        yield Finding("log", f"Postgres {version} at {_without_password(url)}", old)
        head = connection.execute("select coalesce(max(position), 0) from log.batch").fetchone()
        refused = connection.execute(
            "select count(*) from log.refused where resent_at is null"
        ).fetchone()
        yield Finding("facts", f"{head[0] if head else 0:,}")
        yield Finding("refused events", f"{refused[0] if refused else 0:,} wait at /api/refused")
        if keyring is not None:
            right = same_installation(connection, Ids(keyring.secret), claim=False)
            yield Finding(
                "keyring of this log",
                "yes" if right else "no",
                None if right else str(KeyringLost.__doc__),
            )

    yield from _asked(
        "log", url, WRITER, look, "start it, or mend HUIKE_LOG_URL; `huike up` has one"
    )


def _of_views(settings: Settings) -> Iterator[Finding]:
    def look(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
        behind = connection.execute(
            "select a.view, a.version, min(c.position), max(c.position), "
            "extract(epoch from clock_timestamp() - min(c.clock)) "
            "from views.active a join views.checkpoint c using (view, version, generation) "
            "group by a.view, a.version order by a.view"
        ).fetchall()
        for view, version, slowest, _, age in behind:
            late = float(age) > _FAR_BEHIND
            yield Finding(
                f"view {view} v{version}",
                f"at {slowest:,}, {float(age):.1f} s ago",
                "is `huike work views` running? its log says what holds it" if late else None,
            )
        for view, slot, position, error in connection.execute(
            "select view, slot, coalesce(position, 0), why from views.trouble order by view, slot"
        ).fetchall():
            yield Finding(
                f"view {view}, slot {slot}",
                f"stopped before {position}: {error}",
                "mend the fold, then start the worker again: it goes on from there",
            )

    url = settings.views_or_log_url
    assert url is not None
    yield from _asked("views", url, VIEWS, look, "`huike work views` makes them")


def _of_kafka(settings: Settings) -> Iterator[Finding]:
    assert settings.kafka_bootstrap is not None
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=settings.kafka_bootstrap.split(","), request_timeout_ms=5_000
        )
    except KafkaError as error:
        yield Finding("Kafka", str(error), "start it, or mend HUIKE_KAFKA_BOOTSTRAP")
        return
    try:
        there = set(admin.list_topics())
    finally:
        admin.close()
    for topic in (settings.kafka_topic_in, settings.kafka_topic_dead, settings.kafka_topic_facts):
        found = topic in there
        yield Finding(
            f"topic {topic}", "there" if found else "missing", None if found else "`huike topics`"
        )


def _asked(
    what: str,
    url: str,
    role: str,
    look: Callable[[psycopg.Connection[Any]], Iterator[Finding]],
    mend: str,
) -> Iterator[Finding]:
    try:
        with connect(url, role) as connection:
            yield from look(connection)
    except psycopg.Error as error:
        yield Finding(what, str(error).strip().splitlines()[0], mend)


def _without_password(url: str) -> str:
    if "://" not in url or "@" not in url:
        return url
    scheme, _, rest = url.partition("://")
    login, _, place = rest.rpartition("@")
    return f"{scheme}://{login.partition(':')[0]}@{place}"
