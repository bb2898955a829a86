"""Each read is chained to the one before: whatever is done to one is found, and named."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from domain.shared.refusals import AccessNotWritten
from infra.access_chain import Followed, ReadsBreak, follow
from infra.access_log import Access, AccessLog
from infra.event_store.chain import BEGINNING, Mark
from infra.keyring import Keyring
from infra.postgres import KEEPER, WRITER, Connection, connect, pool
from infra.retention import carry_out, destroyed_reads, destroyed_runs
from infra.sealing import PersonKeys
from infra.signing import Signer
from tests.infra.event_store import kept

ADA, BOB = UUID(int=1), UUID(int=2)
LONG_AGO, NOW = datetime(2025, 11, 15, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC)


@pytest.fixture
def log(database_url: str, keys: PersonKeys) -> Iterator[AccessLog]:
    keys.ensure([ADA])
    with pool(database_url, WRITER) as writer:
        opened = AccessLog(writer, keys)
        yield opened
        opened.close()


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url, WRITER) as connection:
        yield connection


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.beside(tmp_path / "keyring.json")


def read(*whom: UUID, at: datetime = NOW, shop: str = "shop", reason: str | None = None) -> Access:
    return Access(
        at=at,
        actor_kind="key",
        actor_id="grace",
        whom=whom,
        operation="customer",
        basis="serves",
        request="r-1",
        shop=shop,
        reason=reason,
    )


def fill(log: AccessLog, reads: int = 6) -> None:
    for _ in range(reads):
        log.write(read(ADA))


def whole(connection: Connection, after: Mark = BEGINNING, **more: object) -> Followed:
    found = follow(connection, after, **more)  # type: ignore[arg-type]  # what follow takes
    assert isinstance(found, Followed), str(found)
    return found


def broken(connection: Connection, **more: object) -> ReadsBreak:
    found = follow(connection, **more)  # type: ignore[arg-type]  # what follow takes
    assert isinstance(found, ReadsBreak)
    return found


def test_every_kind_of_read_is_chained_as_it_is_stored(
    log: AccessLog, connection: Connection
) -> None:
    for one in (read(ADA), read(ADA, BOB, reason="她来电"), read(), read(BOB, reason="x")):
        log.write(one)
    nobody = Access(
        actor_kind="system",
        actor_id="root",
        whom=None,
        operation="export",
        basis="scope",
        request="",
        shop="茶",
        conditions={"known": True},
        count=2,
    )
    log.write(nobody)
    assert whole(connection)[1:] == (5, 0)


def test_all_who_write_at_once_make_one_chain(
    database_url: str, keys: PersonKeys, connection: Connection, tmp_path: Path
) -> None:
    keys.ensure([ADA])
    with ExitStack() as stack:
        servers = []
        for _ in range(4):
            writer = stack.enter_context(pool(database_url, WRITER))
            keeper = stack.enter_context(pool(database_url, KEEPER))
            ring = Keyring.open(tmp_path / "keyring.json")
            servers.append(AccessLog(writer, PersonKeys(keeper, ring)))
            stack.callback(servers[-1].close)
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda n: servers[n % 4].write(read(ADA)), range(400)))
    end, reads, before = whole(connection)
    assert (end.position, reads, before) == (400, 400, 0)


TAMPERED: dict[str, tuple[str, str, int]] = {
    "edited": ("update log.access set shop = 'x' where id = 3", "changed", 3),
    "another time": ("update log.access set at = 'infinity' where id = 3", "changed", 3),
    "another reason": ("update log.access set reason = 'x' where id = 1", "changed", 1),
    "another chain": ("update log.access set chain = sha256(chain) where id = 2", "changed", 2),
    "half a chain": ("update log.access set chain = 'x' where id = 4", "inserted", 4),
    "no chain": ("update log.access set chain = null where id = 4", "inserted", 4),
    "the first no chain": ("update log.access set chain = null where id = 1", "changed", 2),
    "deleted": ("delete from log.access where id = 4", "removed", 4),
    "several deleted": ("delete from log.access where id in (4, 5)", "removed", 4),
    "the first deleted": ("delete from log.access where id = 1", "changed", 2),
    "inserted": (
        (
            "insert into log.access (id, at, actor, shop, period, sealed) "
            "values (7, now(), '', 'shop', '2026-03', '')"
        ),
        "inserted",
        7,
    ),
    "inserted with a chain": (
        (
            "insert into log.access (id, at, actor, shop, period, sealed, chain) "
            "values (7, now(), '', 'shop', '2026-03', '', sha256(''))"
        ),
        "changed",
        7,
    ),
    "inserted between": (
        (
            "update log.access set id = id + 100 where id > 3; "
            "insert into log.access select 4, at, actor, whom, shop, period, sealed, reason, chain "
            "from log.access where id = 2; "
            "update log.access set id = id - 99 where id > 100"
        ),
        "changed",
        4,
    ),
    "moved": (
        (
            "update log.access set id = case id when 2 then 105 else 102 end where id in (2, 5); "
            "update log.access set id = id - 100 where id > 100"
        ),
        "changed",
        2,
    ),
    "said to be destroyed": (
        (
            "insert into log.access_destroyed select 3, 4, chain from log.access where id = 4; "
            "delete from log.access where id in (3, 4)"
        ),
        "removed",
        3,
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_whatever_is_done_to_a_read_is_found(
    log: AccessLog, connection: Connection, database_url: str, how: str
) -> None:
    statements, kind, first = TAMPERED[how]
    fill(log)
    assert whole(connection).reads == 6
    kept.tamper(database_url, *statements.split("; "))
    found = broken(connection)
    assert (found.kind, found.first) == (kind, first), str(found)


def test_who_removes_the_end_or_makes_all_anew_is_found_by_what_was_sealed(
    log: AccessLog, connection: Connection, database_url: str
) -> None:
    fill(log)
    end = whole(connection).end
    sealed = dict([end])
    fill(log, 2)
    assert whole(connection, sealed=sealed).reads == 8
    kept.tamper(database_url, "delete from log.access where id > 5")
    assert whole(connection).reads == 5
    assert broken(connection, sealed=sealed).kind == "shortened"
    assert follow(connection, end) == broken(connection, after=end)
    fill(log)
    assert whole(connection).reads == 11
    found = broken(connection, sealed=sealed)
    assert (found.kind, found.first) == ("rewritten", 6)
    kept.tamper(database_url, "delete from log.access")
    assert whole(connection) == (BEGINNING, 0, 0)
    assert broken(connection, sealed=sealed).kind == "shortened"


def test_reads_from_before_the_chain_are_told_apart(
    log: AccessLog, connection: Connection, database_url: str
) -> None:
    fill(log, 3)
    kept.tamper(database_url, "update log.access set chain = null")
    assert whole(connection) == (BEGINNING, 0, 3)
    fill(log, 2)
    end, reads, before = whole(connection)
    assert (end.position, reads, before) == (5, 2, 3)


def test_months_that_retention_destroys_leave_the_chain_whole(
    log: AccessLog, connection: Connection, database_url: str, signer: Signer
) -> None:
    for shop, at in (
        ("a", LONG_AGO),
        ("b", LONG_AGO),
        ("a", NOW),
        ("b", LONG_AGO),
        ("a", NOW),
        ("a", LONG_AGO),
    ):
        log.write(read(ADA, at=at, shop=shop))
    before = whole(connection).end
    assert carry_out(database_url, {"access": 1}, signer, NOW) is not None
    runs = destroyed_runs(connection, [signer.public])
    assert [(run.first, run.last) for run in runs] == [(1, 2), (4, 4), (6, 6)]
    assert {one.month for one in destroyed_reads(connection)} == {"2025-11"}
    assert broken(connection).kind in {"removed", "changed"}
    assert whole(connection, destroyed=lambda: runs) == (before, 2, 0)
    assert whole(connection, before, destroyed=lambda: runs).end == before
    log.write(read(ADA))
    end, reads, _ = whole(connection, destroyed=lambda: runs, sealed=dict([before]))
    assert (end.position, reads) == (7, 3)
    kept.tamper(database_url, "delete from log.access where id = 5")
    assert broken(connection, destroyed=lambda: runs).first == 5


def test_what_nobody_signed_was_not_destroyed_by_retention(
    log: AccessLog, connection: Connection, database_url: str, signer: Signer, tmp_path: Path
) -> None:
    log.write(read(ADA, at=LONG_AGO))
    forger = Signer.beside(tmp_path / "forger" / "keyring.json")
    assert carry_out(database_url, {"access": 1}, forger, NOW) is not None
    assert destroyed_runs(connection, [signer.public]) == []
    fill(log, 1)
    assert broken(connection, destroyed=lambda: destroyed_runs(connection, [signer.public]))
    kept.tamper(database_url, "update log.retention set certificate = 'x'")
    assert destroyed_runs(connection, None) == []


def test_a_read_that_cannot_be_chained_is_refused(log: AccessLog, database_url: str) -> None:
    fill(log, 1)
    kept.tamper(database_url, "revoke select on log.access_destroyed from huike_writer")
    with pytest.raises(AccessNotWritten):
        log.write(read(ADA))
