"""What is sealed opens with its person's key, in its own place, and with nothing else."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.keyring import Keyring, KeyringLost
from infra.postgres import OWNER, Pool, connect
from infra.sealing import KeyForgotten, PersonKeys

ADA, BOB = UUID(int=1), UUID(int=2)


@pytest.fixture
def keys(keys: PersonKeys) -> PersonKeys:
    keys.ensure([ADA, BOB])
    return keys


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(plain=st.binary(max_size=2_000), context=st.binary(max_size=80))
def test_what_was_sealed_opens_to_the_same(keys: PersonKeys, plain: bytes, context: bytes) -> None:
    assert keys.open(ADA, keys.seal(ADA, plain, context), context) == plain


def test_the_same_sealed_twice_looks_different(keys: PersonKeys) -> None:
    assert keys.seal(ADA, b"x", b"c") != keys.seal(ADA, b"x", b"c")


def test_it_opens_for_nobody_else_and_in_no_other_place(keys: PersonKeys) -> None:
    sealed = keys.seal(ADA, b"secret", b"stream|customer.traits-asserted|person")
    assert keys.open(BOB, sealed, b"stream|customer.traits-asserted|person") is None
    assert keys.open(ADA, sealed, b"stream|customer.note-added|text") is None


@pytest.mark.parametrize("at", [0, 1, 5, -1])
def test_an_envelope_that_was_changed_does_not_open(keys: PersonKeys, at: int) -> None:
    sealed = bytearray(keys.seal(ADA, b"secret", b"c"))
    sealed[at] ^= 255
    opened = keys.open(ADA, bytes(sealed), b"c")
    # the generation (byte 1) is kept for keys that are changed; it is not read yet
    assert opened == (b"secret" if at == 1 else None)


def test_another_process_opens_with_the_same_keyring(
    keys: PersonKeys, keeper: Pool, ring: Keyring
) -> None:
    sealed = keys.seal(ADA, b"secret", b"c")
    assert PersonKeys(keeper, ring).open(ADA, sealed, b"c") == b"secret"


def test_a_forgotten_key_opens_nothing_and_seals_nothing(
    keys: PersonKeys, keeper: Pool, ring: Keyring, database_url: str
) -> None:
    sealed = keys.seal(ADA, b"secret", b"c")
    with connect(database_url, OWNER) as connection:
        connection.execute(
            "update keeper.person_key set wrapped = null, forgotten_at = now() where identity = %s",
            (ADA,),
        )
    later = PersonKeys(keeper, ring)
    later.ensure([ADA])
    assert later.open(ADA, sealed, b"c") is None
    with pytest.raises(KeyForgotten):
        later.seal(ADA, b"more", b"c")


def lose(database_url: str, identity: UUID) -> None:
    """Let go of a key as a server does that is killed before it was durable."""
    with connect(database_url) as connection:
        connection.execute("delete from keeper.person_key where identity = %s", (identity,))


def test_a_key_that_may_be_lost_is_made_anew_before_anything_else_is_sealed(
    keeper: Pool, ring: Keyring, database_url: str
) -> None:
    keys = PersonKeys(keeper, ring)
    keys.ensure([ADA], relaxed=True)
    lost = keys.seal(ADA, b"first", b"c")
    lose(database_url, ADA)
    keys.doubt()
    keys.ensure([ADA], relaxed=True)
    another = PersonKeys(keeper, ring)
    assert another.open(ADA, keys.seal(ADA, b"second", b"c"), b"c") == b"second"
    assert another.open(ADA, lost, b"c") is None


def test_a_key_that_was_followed_by_a_commit_is_not_doubted(keeper: Pool, ring: Keyring) -> None:
    keys = PersonKeys(keeper, ring)
    keys.ensure([ADA], relaxed=True)
    keys.settle()
    keys.doubt()
    sealed = keys.seal(ADA, b"kept", b"c")
    assert PersonKeys(keeper, ring).open(ADA, sealed, b"c") == b"kept"


def test_keys_that_two_make_at_once_are_the_same(keeper: Pool, ring: Keyring) -> None:
    one, other = PersonKeys(keeper, ring), PersonKeys(keeper, ring)
    one.ensure([ADA], relaxed=True)
    other.ensure([ADA, BOB], relaxed=True)
    one.ensure([ADA, BOB])
    for person in (ADA, BOB):
        assert other.open(person, one.seal(person, b"x", b"c"), b"c") == b"x"


def test_an_original_needs_the_persons_key_and_the_months(keys: PersonKeys) -> None:
    message = uuid4()
    sealed = keys.seal_original(ADA, message, b"whole", "shop", "site", "2026-11")
    assert keys.open_original(ADA, message, sealed, "shop", "site", "2026-11") == b"whole"
    assert keys.open_original(ADA, message, sealed, "shop", "site", "2026-12") is None
    assert keys.open_original(BOB, message, sealed, "shop", "site", "2026-11") is None


def test_an_original_cannot_be_put_in_anothers_place(keys: PersonKeys) -> None:
    sealed = keys.seal_original(ADA, uuid4(), b"whole", "shop", "site", "2026-11")
    assert keys.open_original(ADA, uuid4(), sealed, "shop", "site", "2026-11") is None


def test_blind_indexes_are_equal_for_equal_values_of_one_kind(keys: PersonKeys) -> None:
    assert keys.blind("email", "ada@example.com") == keys.blind("email", "ada@example.com")
    assert keys.blind("email", "1") != keys.blind("phone", "1")


def test_more_persons_than_the_cache_holds_are_still_opened(keeper: Pool, ring: Keyring) -> None:
    small = PersonKeys(keeper, ring, cached=10)
    persons = [uuid4() for _ in range(50)]
    small.ensure(persons)
    sealed = [small.seal(person, person.bytes, b"c") for person in persons]
    assert [small.open(p, s, b"c") for p, s in zip(persons, sealed, strict=True)] == [
        p.bytes for p in persons
    ]


def test_a_keyring_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "keyring.json"
    first, second = Keyring.open(file), Keyring.open(file)
    assert first.secret == second.secret
    assert file.stat().st_mode & 0o077 == 0
    assert list(file.parent.iterdir()) == [file]


def test_a_foreign_keyring_is_told_apart(keys: PersonKeys, keeper: Pool, tmp_path: Path) -> None:
    assert keys is not None
    foreign = PersonKeys(keeper, Keyring.open(tmp_path / "foreign.json"))
    with pytest.raises(KeyringLost):
        foreign.load([ADA])
