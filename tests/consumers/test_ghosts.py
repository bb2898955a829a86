"""Keys that nobody issued, or that may more than their facts say, are named."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from consumers.ghosts import Ghost, Held, hold, of_keys
from consumers.issuing import issuing
from infra.keys import Key
from infra.postgres import WRITER, Connection, connect
from infra.settings import Settings
from tests.infra.event_store.kept import tamper
from tests.keys import make_key

DAY = timedelta(days=1)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(log_url=database_url, home=tmp_path)


@pytest.fixture
def writer(settings: Settings) -> Iterator[Connection]:
    with closing(connect(str(settings.log_url), WRITER)) as opened:
        yield opened


@pytest.fixture
def grace(settings: Settings) -> Key:
    with issuing(settings) as keys:
        return keys.add("grace", [], roles=["agent"], expires=DAY)[0]


def test_keys_that_facts_tell_of_are_as_they_should_be(
    settings: Settings, grace: Key, writer: Connection
) -> None:
    with issuing(settings) as keys:
        keys.add("till", ["ingest"], system=True, per_minute=9)
        keys.rotate("till", DAY, expires=9 * DAY)
        keys.rotate("grace", DAY, expires=None)
        keys.revoke(str(grace.id))
    assert hold(writer) == Held(2, 0, [])


def test_a_key_that_nobody_issued_is_named_until_it_is_revoked(
    settings: Settings, grace: Key, writer: Connection
) -> None:
    ghost, _ = make_key(settings.log_url, "ghost", "admin")
    assert hold(writer) == Held(2, 0, [Ghost(str(ghost.id), "ghost", "no fact issued it")])
    with issuing(settings) as keys:
        keys.revoke("ghost")
    assert hold(writer) == Held(2, 0, [])
    assert grace.name == "grace"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("roles = '{privacy-officer}'", "roles is privacy-officer, by its facts agent"),
        ("scopes = '{personal,admin}'", "scopes is personal, admin, by its facts none"),
        ("shop = 'other'", "shop is other, by its facts shop"),
        ("source = 'erp'", "source is erp, by its facts site"),
        ("name = 'ada'", "name is ada, by its facts grace"),
        ("system = true", "system is True, by its facts False"),
        ("currency = 'EUR'", "currency is EUR, by its facts USD"),
        ("per_minute = 9", "per_minute is 9, by its facts none"),
        ("expires_at = null", "expires_at is none, by its facts 20"),
        ("roles = '{admin}', shop = 'other'", "by its facts agent; shop is other"),
    ],
)
def test_a_key_that_may_more_than_it_was_given_is_named(
    settings: Settings, grace: Key, writer: Connection, change: str, why: str
) -> None:
    tamper(str(settings.log_url), f"update log.api_key set {change}")  # noqa: S608  # of these
    (ghost,) = hold(writer).ghosts
    assert ghost.id == str(grace.id)
    assert why in ghost.why


def test_the_doctor_says_what_to_do_about_it(
    settings: Settings, grace: Key, writer: Connection
) -> None:
    assert list(of_keys(str(settings.log_url))) == [
        ("1 key may do what its facts say, and no more", None)
    ]
    ghost, _ = make_key(settings.log_url, "ghost", "admin")
    ((told, mend),) = of_keys(str(settings.log_url))
    assert told == "ghost: no fact issued it"
    assert mend == f"`huike keys revoke {ghost.id}`, and make another"
    assert len(hold(writer).ghosts) == 1
    assert grace.name not in told


def test_a_key_that_opens_again_is_named(
    settings: Settings, grace: Key, writer: Connection
) -> None:
    with issuing(settings) as keys:
        keys.revoke(str(grace.id))
    tamper(str(settings.log_url), "update log.api_key set revoked_at = null")
    (ghost,) = hold(writer).ghosts
    assert ghost.why == "its facts say that it was revoked"


def test_a_key_whose_facts_nobody_can_read_is_named(
    settings: Settings, grace: Key, writer: Connection
) -> None:
    tamper(str(settings.log_url), "update log.fact set body = 'x'")
    (ghost,) = hold(writer).ghosts
    assert str(ghost) == f"key grace ({grace.id}): a fact of it cannot be read"


def test_keys_of_before_are_counted_until_they_are_told_of(
    settings: Settings, grace: Key, writer: Connection
) -> None:
    make_key(settings.log_url, "before", "query")
    tamper(
        str(settings.log_url),
        "update log.api_key set created_at = now() - interval '1 year' where name = 'before'",
    )
    held = hold(writer)
    assert held == Held(2, 1, [])
    assert (
        str(held) == "1 key may do what its facts say, and no more; 1 from before they were facts."
    )
    with issuing(settings):
        pass
    assert hold(writer) == Held(2, 0, [])
    assert grace.name == "grace"
