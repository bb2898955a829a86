"""Keys: issued once, revoked once, and what they may do by their facts."""

from datetime import UTC, datetime

from domain.key.aggregate import ApiKey, KeyIsRevoked, NobodysKey
from domain.key.events import KeyFound, KeyIssued, KeyRevoked, KeyRotated
from domain.key.standing import UNKNOWN, standing_of
from tests.scenario import of

SOON = datetime(2026, 12, 1, tzinfo=UTC)
LATER = datetime(2027, 3, 1, tzinfo=UTC)

about = {"name": "till", "roles": (), "scopes": ("ingest",), "shop": "shop", "source": "site"}
issued = KeyIssued(**about, system=False, currency="USD", expires_at=SOON)  # type: ignore[arg-type]
found = KeyFound(**about, system=False, currency="USD", made_at=SOON)  # type: ignore[arg-type]
rotated = KeyRotated(old_opens_until=SOON, expires_at=LATER)


def test_a_key_is_issued() -> None:
    of(ApiKey).when(lambda key: key.issue(issued)).then(issued)


def test_a_key_of_before_is_found() -> None:
    of(ApiKey).when(lambda key: key.issue(found)).then(found)


def test_what_was_issued_is_not_found_or_issued_again() -> None:
    of(ApiKey).given(issued).when(lambda key: key.issue(found)).then_nothing()
    of(ApiKey).given(found).when(lambda key: key.issue(issued)).then_nothing()


def test_each_new_secret_is_told() -> None:
    of(ApiKey).given(issued, rotated).when(lambda key: key.rotate(rotated)).then(rotated)


def test_a_key_that_nobody_issued_gets_no_new_secret() -> None:
    of(ApiKey).when(lambda key: key.rotate(rotated)).then_refused(NobodysKey)


def test_a_revoked_key_gets_no_new_secret() -> None:
    past = of(ApiKey).given(issued, KeyRevoked())
    past.when(lambda key: key.rotate(rotated)).then_refused(KeyIsRevoked, "Key till was revoked")


def test_a_key_is_revoked_once() -> None:
    of(ApiKey).given(issued).when(ApiKey.revoke).then(KeyRevoked())
    of(ApiKey).given(issued, KeyRevoked()).when(ApiKey.revoke).then_nothing()


def test_a_key_that_nobody_issued_is_revoked_too() -> None:
    of(ApiKey).when(ApiKey.revoke).then(KeyRevoked())


def test_a_key_may_what_its_facts_say() -> None:
    assert standing_of([]) == UNKNOWN
    standing = standing_of([issued, rotated])
    assert standing.rights is not None
    assert (standing.rights.scopes, standing.rights.expires_at) == (("ingest",), LATER)
    assert not standing.revoked
    assert standing_of([issued, rotated, KeyRevoked()]).revoked
    assert (
        standing_of([found]).rights
        == standing_of([issued, KeyRotated(old_opens_until=SOON)]).rights
    )
