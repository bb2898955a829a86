"""Who is forgotten is forgotten by every process, whatever it has in its cache."""

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from infra.keyring import Keyring
from infra.postgres import KEEPER, OWNER, Pool, connect, pool
from infra.sealing import FORGOTTEN_WITHIN_SECONDS, KeyForgotten, PersonKeys

ADA, BOB, EVE = UUID(int=1), UUID(int=2), UUID(int=3)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_whose_key_is_destroyed_is_sealed_and_opened_no_more(keeper: Pool, ring: Keyring) -> None:
    keys = PersonKeys(keeper, ring)
    keys.ensure([ADA, BOB])
    sealed = {who: keys.seal(who, b"secret", b"c") for who in (ADA, BOB)}
    assert keys.forget([ADA]) == {ADA: 1}
    keys.ensure([ADA, BOB])
    assert keys.open(ADA, sealed[ADA], b"c") is None
    assert keys.open(BOB, sealed[BOB], b"c") == b"secret"
    with pytest.raises(KeyForgotten):
        keys.seal(ADA, b"more", b"c")


def test_forgetting_twice_is_not_news(keeper: Pool, ring: Keyring, database_url: str) -> None:
    keys = PersonKeys(keeper, ring)
    keys.ensure([ADA])
    keys.forget([ADA])
    with connect(database_url, KEEPER) as connection:
        first = connection.execute("select * from keeper.person_key").fetchall()
        assert keys.forget([ADA]) == {}
        assert connection.execute("select * from keeper.person_key").fetchall() == first


def test_who_is_forgotten_before_they_had_a_key_never_gets_one(keeper: Pool, ring: Keyring) -> None:
    keys = PersonKeys(keeper, ring)
    assert keys.forget([EVE]) == {}
    keys.ensure([EVE])
    assert not keys.has_key(EVE)


def test_another_process_lets_go_of_a_key_within_its_time(keeper: Pool, ring: Keyring) -> None:
    clock = Clock()
    here, there = PersonKeys(keeper, ring), PersonKeys(keeper, ring, steady=clock)
    there.ensure([ADA])
    sealed = there.seal(ADA, b"secret", b"c")
    here.forget([ADA])
    clock.now += FORGOTTEN_WITHIN_SECONDS
    assert there.open(ADA, sealed, b"c") is None
    with pytest.raises(KeyForgotten):
        there.seal(ADA, b"more", b"c")


def test_an_original_that_was_open_opens_no_more_once_its_month_is_destroyed(
    keeper: Pool, ring: Keyring, database_url: str
) -> None:
    clock = Clock()
    there = PersonKeys(keeper, ring, steady=clock)
    there.ensure([ADA])
    month = (ADA, EVE, b"whole", "shop", "site", "2026-11")
    sealed = there.seal_original(*month)
    asked = (ADA, EVE, sealed, "shop", "site", "2026-11")
    assert there.open_original(*asked) == b"whole"
    with connect(database_url, OWNER) as owner:
        owner.execute("update keeper.period_key set wrapped = null, destroyed_at = now()")
    clock.now += FORGOTTEN_WITHIN_SECONDS
    assert there.open_original(*asked) is None


def test_who_cannot_ask_whether_somebody_is_forgotten_opens_nothing(
    ring: Keyring, database_url: str
) -> None:
    clock = Clock()
    with pool(database_url, KEEPER, size=1) as lost:
        there = PersonKeys(lost, ring, steady=clock)
        there.ensure([ADA])
        sealed = there.seal(ADA, b"secret", b"c")
    clock.now += FORGOTTEN_WITHIN_SECONDS
    with pytest.raises(psycopg.OperationalError):
        there.open(ADA, sealed, b"c")


def test_a_lost_connection_hides_nobody_who_was_forgotten_meanwhile(
    keeper: Pool, ring: Keyring, database_url: str
) -> None:
    clock = Clock()
    with pool(database_url, KEEPER, size=1) as its_own:
        there = PersonKeys(its_own, ring, steady=clock)
        there.ensure([ADA])
        sealed = there.seal(ADA, b"secret", b"c")
        with its_own.connection() as connection, connect(database_url) as admin:
            admin.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
        PersonKeys(keeper, ring).forget([ADA])
        clock.now += FORGOTTEN_WITHIN_SECONDS
        assert there.open(ADA, sealed, b"c") is None


def test_a_key_that_was_read_before_it_was_destroyed_and_cached_after_is_let_go_of_too(
    keeper: Pool, ring: Keyring
) -> None:
    clock = Clock()
    here, there = PersonKeys(keeper, ring), PersonKeys(keeper, ring, steady=clock)
    there.ensure([ADA])
    here.forget([ADA])
    stale = there._at_hand.key(ADA.int)  # noqa: SLF001  # what a slow thread has in its hands
    clock.now += FORGOTTEN_WITHIN_SECONDS
    assert not there.has_key(ADA)
    there._at_hand.hold({ADA.int: stale})  # noqa: SLF001
    clock.now += FORGOTTEN_WITHIN_SECONDS
    assert not there.has_key(ADA)


ANOTHER = """
import sys
from pathlib import Path
from uuid import UUID
from infra.keyring import Keyring
from infra.postgres import KEEPER, pool
from infra.sealing import PersonKeys

with pool(sys.argv[1], KEEPER) as keeper:
    keys = PersonKeys(keeper, Keyring.open(Path(sys.argv[2])))
    for asked in sys.stdin:
        sealed = bytes.fromhex(asked)
        print(keys.open(UUID(int=1), sealed, b"c"), flush=True)
"""


def test_a_process_of_its_own_forgets_too(
    keeper: Pool, ring: Keyring, database_url: str, tmp_path: Path
) -> None:
    keys = PersonKeys(keeper, ring)
    keys.ensure([ADA])
    sealed = keys.seal(ADA, b"secret", b"c").hex()
    command = [sys.executable, "-c", ANOTHER, database_url, str(tmp_path / "keyring.json")]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None

        def asked() -> str:
            assert other.stdin is not None
            assert other.stdout is not None
            print(sealed, file=other.stdin, flush=True)
            return other.stdout.readline().strip()

        assert asked() == "b'secret'"
        keys.forget([ADA])
        for _ in range(100_000):  # far more than a second's worth
            if asked() == "None":
                break
        assert asked() == "None"
        other.stdin.close()
