"""Keys are issued by facts: no key opens, or may more, without one."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from getpass import getuser
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from consumers.issuing import Issuing, issuing
from domain.key.events import KeyFound, KeyIssued, KeyRevoked, KeyRotated
from domain.shared.events import Event, Fact
from domain.shared.refusals import Malformed
from infra.event_store import LogReader
from infra.keys import Key, Keys, all_keys
from infra.postgres import OWNER, WRITER, connect, pool
from infra.settings import Settings
from tests.infra.event_store.kept import tamper
from tests.keys import make_key

DAY = timedelta(days=1)
SPAWN = get_context("spawn")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(log_url=database_url, home=tmp_path)


@pytest.fixture
def log(settings: Settings) -> Iterator[LogReader]:
    with closing(LogReader(str(settings.log_url), None)) as reader:
        yield reader


def keys_of(settings: Settings) -> list[Key]:
    with closing(connect(str(settings.log_url), OWNER)) as owner:
        return all_keys(owner)


def opens(settings: Settings, secret: str) -> bool:
    with pool(str(settings.log_url), WRITER, size=1) as writer:
        return Keys(writer).check(secret) is not None


def told(facts: Sequence[Fact]) -> list[type[Event]]:
    return [type(fact.event) for fact in facts]


def test_who_gave_which_rights_to_whom_is_in_the_log(settings: Settings, log: LogReader) -> None:
    about = {"shop": "acme", "source": "erp", "system": True, "currency": "EUR", "expires": DAY}
    with issuing(settings) as keys:
        key, secret = keys.add("roto", ["query"], roles=["agent"], per_minute=9, **about)
    (fact,) = log.stream(key.id)
    assert fact.event == KeyIssued(
        name="roto",
        roles=("agent",),
        scopes=("query",),
        shop="acme",
        source="erp",
        system=True,
        currency="EUR",
        per_minute=9,
        expires_at=key.expires_at,
    )
    assert (fact.actor_kind, fact.actor_id, fact.shop) == ("system", getuser(), "acme")
    assert (fact.origin, fact.subject) == (None, None)
    assert opens(settings, secret)


def test_what_became_of_a_key_is_in_the_log(settings: Settings, log: LogReader) -> None:
    with issuing(settings) as keys:
        key, old = keys.add("roto", ["query"])
        rotated, new = keys.rotate("roto", DAY, expires=9 * DAY)
        assert opens(settings, old)
        assert opens(settings, new)
        keys.revoke("roto")
    facts = log.stream(key.id)
    assert told(facts) == [KeyIssued, KeyRotated, KeyRevoked]
    assert rotated.former_until is not None
    assert facts[1].event == KeyRotated(
        old_opens_until=rotated.former_until, expires_at=rotated.expires_at
    )
    assert not opens(settings, new)


def test_no_secret_is_in_the_log(settings: Settings) -> None:
    with issuing(settings) as keys:
        _, first = keys.add("roto", ["query"])
        _, second = keys.rotate("roto", DAY, expires=None)
    with closing(connect(str(settings.log_url), OWNER)) as owner:
        bodies = b"".join(body for (body,) in owner.execute("select body from log.fact"))
        digests = [bytes(one) for (one,) in owner.execute("select hash from log.api_key")]
    for secret in (first, second):
        assert secret[3:9].encode() not in bodies
    assert all(digest.hex().encode() not in bodies for digest in digests)


def test_what_is_refused_is_not_told(settings: Settings, log: LogReader) -> None:
    with issuing(settings) as keys, pytest.raises(Malformed, match="give one or more of"):
        keys.add("roto", ["everything"])
    assert log.head().position == 0


def test_keys_of_before_are_told_of_once_and_others_never(
    settings: Settings, log: LogReader
) -> None:
    before, _ = make_key(settings.log_url, "before", "query")
    gone, _ = make_key(settings.log_url, "gone", "query")
    tamper(
        str(settings.log_url),
        "update log.api_key set created_at = now() - interval '1 year'",
        "update log.api_key set revoked_at = now() where name = 'gone'",
    )
    ghost, _ = make_key(settings.log_url, "ghost", "admin")
    for _ in range(2):
        with issuing(settings):
            pass
    assert told(log.stream(before.id)) == [KeyFound]
    assert told(log.stream(gone.id)) == [KeyFound, KeyRevoked]
    assert log.stream(ghost.id) == []


def test_a_key_that_nobody_issued_can_be_revoked(settings: Settings, log: LogReader) -> None:
    ghost, secret = make_key(settings.log_url, "ghost", "admin")
    with issuing(settings) as keys:
        keys.revoke("ghost")
    assert told(log.stream(ghost.id)) == [KeyRevoked]
    assert not opens(settings, secret)


def die(settings: Settings, deed: str, words: Sequence[Any], more: dict[str, Any]) -> None:
    """Do something with keys, and be killed when its fact is durable."""
    tell = Issuing._tell  # noqa: SLF001  # between two steps there is no other place

    def and_die(self: Issuing, *told: Any) -> None:
        tell(self, *told)
        os.kill(os.getpid(), signal.SIGKILL)

    Issuing._tell = and_die  # type: ignore[assignment, method-assign]  # noqa: SLF001  # its own process
    with issuing(settings) as keys:
        getattr(keys, deed)(*words, **more)


def killed(settings: Settings, deed: str, *words: Any, **more: Any) -> None:
    process = SPAWN.Process(target=die, args=(settings, deed, words, more))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL


def test_who_is_killed_leaves_a_fact_without_a_key_never_a_key_without_a_fact(
    settings: Settings, log: LogReader
) -> None:
    with issuing(settings) as keys:
        key, secret = keys.add("roto", ["query"])
    killed(settings, "add", "till", ["ingest"])
    assert keys_of(settings) == [key]
    killed(settings, "rotate", "roto", DAY, expires=None)
    killed(settings, "revoke", "roto")
    assert opens(settings, secret)
    assert told(log.stream(key.id)) == [KeyIssued, KeyRotated, KeyRevoked]
    with issuing(settings) as keys:
        keys.revoke("roto")
    assert told(log.stream(key.id)) == [KeyIssued, KeyRotated, KeyRevoked]
    assert not opens(settings, secret)
