"""API keys: made, checked, revoked; their secrets are nowhere."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from getpass import getuser

import psycopg
import pytest
from starlette.testclient import TestClient

from api.services import Services
from consumers.issuing import issuing
from domain.shared.refusals import Malformed, NotFound, Refused
from infra.key_making import KeyMaker
from infra.keys import REVOKED_WITHIN_SECONDS, Keys
from infra.postgres import OWNER, WRITER, Connection, Pool, connect, pool
from infra.settings import Settings
from tests.api.shop import Shop
from tests.keys import make_key


class Clock:
    """A clock that a test turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def writer(database_url: str) -> Iterator[Pool]:
    with pool(database_url, WRITER) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def owner(database_url: str) -> Iterator[Connection]:
    with closing(connect(database_url, OWNER)) as opened:
        yield opened


@pytest.fixture
def maker(owner: Connection) -> KeyMaker:
    return KeyMaker(owner)


@pytest.fixture
def keys(writer: Pool, clock: Clock) -> Keys:
    return Keys(writer, clock)


def test_a_key_is_known_by_its_secret(keys: Keys, maker: KeyMaker) -> None:
    made, secret = maker.add("shop", ["ingest", "query"], shop="acme", source="erp", system=True)
    found = keys.check(secret)
    assert found == made
    assert secret.startswith(made.prefix)
    assert made.may("query")
    assert not made.may("admin")
    assert made.actor.kind == "key"
    assert made.actor.id == str(made.id)


def test_a_secret_is_long_and_never_the_same(maker: KeyMaker) -> None:
    secrets = {maker.add("shop", ["ingest"])[1] for _ in range(10)}
    assert len(secrets) == 10
    assert all(s.startswith("hk_") and len(s) >= 35 for s in secrets)


def test_a_secret_is_not_in_the_database(maker: KeyMaker, database_url: str) -> None:
    _, secret = maker.add("shop", ["ingest"])
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select k::text from log.api_key k").fetchall()
    assert len(rows) == 1
    assert secret not in rows[0][0]
    assert secret[12:] not in rows[0][0]


@pytest.mark.parametrize("secret", ["", "hk_", "hk_nobody", "\udcff", "x" * 10_000, "a\0b"])
def test_nobody_comes_in_with_another_secret(keys: Keys, maker: KeyMaker, secret: str) -> None:
    maker.add("shop", ["ingest"])
    assert keys.check(secret) is None


@pytest.mark.parametrize("scopes", [[], ["everything"], ["query", "root"]])
def test_a_key_has_known_scopes(maker: KeyMaker, scopes: list[str]) -> None:
    with pytest.raises(Malformed, match="give one or more of admin, audit, command"):
        maker.add("shop", scopes)


@pytest.mark.parametrize("wrong", [{"currency": "EURO"}, {"shop": " "}, {"source": ""}])
def test_a_key_is_of_a_shop_and_a_currency_that_can_be(
    keys: Keys, maker: KeyMaker, wrong: dict[str, str]
) -> None:
    with pytest.raises(Refused):
        maker.add("shop", ["ingest"], **wrong)  # type: ignore[arg-type]  # texts alone
    assert keys.all() == []


@pytest.mark.parametrize("roles", [["everything"], ["agent", "root"]])
def test_a_key_has_known_roles(maker: KeyMaker, roles: list[str]) -> None:
    with pytest.raises(Malformed, match="give one or more of admin, agent, analyst"):
        maker.add("shop", roles=roles)


def test_a_key_that_works_for_people_has_their_roles(keys: Keys, maker: KeyMaker) -> None:
    made, secret = maker.add("grace", roles=["agent", "sales"])
    assert made.roles == ("agent", "sales")
    assert made.scopes == ()
    assert keys.check(secret) == made


def test_a_revoked_key_is_refused_within_a_second(
    keys: Keys, maker: KeyMaker, clock: Clock
) -> None:
    key, secret = maker.add("shop", ["ingest"])
    assert keys.check(secret) is not None
    maker.revoke(str(key.id))
    clock.now += REVOKED_WITHIN_SECONDS + 0.01
    assert keys.remembered(secret) is None
    assert keys.check(secret) is None


def test_a_key_just_checked_is_remembered_for_a_moment(
    keys: Keys, maker: KeyMaker, clock: Clock
) -> None:
    key, secret = maker.add("shop", ["ingest"])
    assert keys.remembered(secret) is None
    keys.check(secret)
    assert keys.remembered(secret) == key
    clock.now += REVOKED_WITHIN_SECONDS + 0.01
    assert keys.remembered(secret) is None


def test_a_key_says_when_it_was_last_used(keys: Keys, maker: KeyMaker) -> None:
    _, secret = maker.add("shop", ["ingest"])
    assert keys.all()[0].last_used_at is None
    keys.check(secret)
    assert keys.all()[0].last_used_at is not None


def test_a_key_that_ends_is_refused_from_then_on(
    keys: Keys, maker: KeyMaker, writer: Pool, owner: Connection
) -> None:
    key, secret = maker.add("partner", ["ingest"], expires=timedelta(days=90))
    assert key.expires_at is not None
    assert key.expires_at - key.created_at == timedelta(days=90)
    assert keys.check(secret) == key
    owner.execute("update log.api_key set expires_at = now()")
    assert Keys(writer).check(secret) is None


def test_a_rotated_key_has_two_secrets_for_a_while(
    keys: Keys, maker: KeyMaker, writer: Pool, owner: Connection
) -> None:
    key, old = maker.add("till", ["ingest"], expires=timedelta(days=1))
    rotated, new = maker.rotate("till", timedelta(hours=24))
    assert (rotated.id, rotated.name, rotated.expires_at) == (key.id, "till", key.expires_at)
    assert [found and found.id for found in map(keys.check, (old, new))] == [key.id] * 2
    assert new.startswith(rotated.prefix)
    owner.execute("update log.api_key set former_until = now()")
    elsewhere = Keys(writer)
    assert elsewhere.check(old) is None
    assert elsewhere.check(new) is not None


def test_a_key_rotated_twice_has_the_last_two_secrets(keys: Keys, maker: KeyMaker) -> None:
    _, first = maker.add("till", ["ingest"])
    _, second = maker.rotate("till", timedelta(hours=24))
    _, third = maker.rotate("till", timedelta(hours=24), expires=timedelta(days=9))
    assert keys.check(first) is None
    assert keys.check(second) is not None
    assert keys.check(third) is not None


def test_without_overlap_the_old_secret_ends_at_once(
    keys: Keys, maker: KeyMaker, clock: Clock
) -> None:
    _, old = maker.add("till", ["ingest"])
    assert keys.check(old) is not None
    _, new = maker.rotate("till", timedelta(0))
    clock.now += REVOKED_WITHIN_SECONDS + 0.01
    assert keys.check(old) is None
    assert keys.check(new) is not None
    maker.revoke("till")
    clock.now += REVOKED_WITHIN_SECONDS + 0.01
    assert keys.check(new) is None
    with pytest.raises(Malformed, match="till was revoked already, at 20"):
        maker.rotate("till", timedelta(0))


def test_a_leaked_secret_is_revoked_by_what_it_begins_with_while_it_opens(
    keys: Keys, maker: KeyMaker
) -> None:
    before, old = maker.add("roto", ["query"])
    _, new = maker.rotate("roto", timedelta(hours=24))
    revoked = maker.revoke(before.prefix)
    assert (revoked.id, revoked.former_prefix) == (before.id, before.prefix)
    assert [keys.check(old), keys.check(new)] == [None, None]
    with pytest.raises(Malformed, match=f"{before.prefix} was revoked already"):
        maker.revoke(before.prefix)


def test_a_secret_that_ended_does_not_take_the_one_after_it_along(
    keys: Keys, maker: KeyMaker
) -> None:
    before, _ = maker.add("roto", ["query"])
    after, new = maker.rotate("roto", timedelta(0))
    with pytest.raises(Malformed, match=f"ended when roto was changed; {after.prefix} is its"):
        maker.revoke(before.prefix)
    assert keys.check(new) is not None


def test_of_a_secret_whose_beginning_was_not_kept_it_is_said_whose_it_may_be(
    maker: KeyMaker, owner: Connection
) -> None:
    before, _ = maker.add("roto", ["query"])
    maker.rotate("roto", timedelta(hours=24))
    owner.execute("update log.api_key set former_prefix = null")
    with pytest.raises(Malformed, match="but roto may have before it was changed"):
        maker.revoke(before.prefix)
    with pytest.raises(NotFound, match="There is no key nobody"):
        maker.revoke("nobody")


def test_a_key_with_a_limit_is_asked_to_wait_and_others_are_not(
    with_scopes: Callable[..., TestClient], services: Services
) -> None:
    _, secret = make_key(services.settings.log_url, "eager", "query", per_minute=3)
    other = with_scopes("query")
    eager = TestClient(other.app, headers={"Authorization": f"Bearer {secret}"})
    assert [eager.get("/openapi.json").status_code for _ in range(4)] == [200, 200, 200, 429]
    refusal = eager.get("/openapi.json")
    assert refusal.json()["per_minute"] == 3
    assert 1 <= int(refusal.headers["Retry-After"]) <= 20
    assert other.get("/openapi.json").status_code == 200


def test_the_events_of_a_shop_with_a_limit_are_counted(
    with_scopes: Callable[..., TestClient], services: Services
) -> None:
    _, secret = make_key(services.settings.log_url, "site", "ingest", per_minute=10)
    site = TestClient(with_scopes("query").app, headers={"Authorization": f"Bearer {secret}"})
    event = {"type": "track", "event": "Seen", "userId": "ada"}

    def sends(count: int) -> int:
        return site.post("/v1/batch", json={"batch": [event] * count}).status_code

    assert [sends(6), sends(4), sends(1)] == [200, 200, 429]
    assert site.post("/v1/track", json=event).headers["Retry-After"]


def test_a_revoked_key_stays_in_the_list(keys: Keys, maker: KeyMaker) -> None:
    key, _ = maker.add("shop", ["ingest"])
    maker.add("office", ["query"])
    maker.revoke(key.prefix)
    assert {(k.name, k.revoked_at is None) for k in keys.all()} == {
        ("shop", False),
        ("office", True),
    }


def test_only_a_living_key_that_is_meant_can_be_revoked(maker: KeyMaker) -> None:
    first, _ = maker.add("shop", ["ingest"])
    maker.add("shop", ["ingest"])
    with pytest.raises(Malformed, match="2 keys are called shop"):
        maker.revoke("shop")
    maker.revoke(str(first.id))
    with pytest.raises(Malformed, match="was revoked already"):
        maker.revoke(str(first.id))


def test_a_key_of_another_shop_finds_nothing_to_command(
    with_scopes: Callable[..., TestClient], services: Services
) -> None:
    ada = Shop(with_scopes("command")).customer("ada")

    def tag(*scopes: str) -> int:
        _, secret = make_key(services.settings.log_url, "another shop's", *scopes, shop="other")
        other = TestClient(with_scopes("query").app, raise_server_exceptions=False)
        headers = {"Authorization": f"Bearer {secret}"}
        return other.put(f"/api/customers/{ada}/tags/vip", headers=headers).status_code

    assert tag("command") == 404
    assert tag("command", "admin") == 202
    found = with_scopes("audit").get("/api/audit/facts", params={"type": "customer.tag-added"})
    assert [fact["shop"] for fact in found.json()["facts"]] == ["shop"]


def test_who_issued_a_key_is_audited(
    with_scopes: Callable[..., TestClient], settings: Settings
) -> None:
    with issuing(settings) as keys:
        key, secret = keys.add("grace", [], roles=["agent"])
        keys.revoke("grace")
    auditor = with_scopes("audit")
    found = auditor.get("/api/audit/facts", params={"stream": str(key.id)})
    issued, revoked = found.json()["facts"]
    assert (issued["type"], revoked["type"]) == ("key.issued", "key.revoked")
    assert (issued["by"]["kind"], issued["by"]["id"]) == ("system", getuser())
    assert issued["data"]["roles"] == ["agent"]
    assert secret[:9] not in found.text
