"""Reads of personal data are written before they are answered, whoever comes at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.shared.refusals import AccessNotWritten
from infra.access_log import Access, AccessLog, Asked, Reads
from infra.keyring import Keyring
from infra.postgres import KEEPER, WRITER, Pool, connect, pool
from infra.sealing import PersonKeys

ADA, BOB = UUID(int=1), UUID(int=2)


@pytest.fixture
def writer(database_url: str) -> Iterator[Pool]:
    with pool(database_url, WRITER) as opened:
        yield opened


@pytest.fixture
def keys(keys: PersonKeys) -> PersonKeys:
    keys.ensure([ADA])
    return keys


@pytest.fixture
def log(writer: Pool, keys: PersonKeys) -> Iterator[AccessLog]:
    opened = AccessLog(writer, keys)
    yield opened
    opened.close()


def read(*whom: UUID, request: str = "1", reason: str | None = None) -> Access:
    return Access(
        actor_kind="key",
        actor_id="grace",
        whom=whom,
        operation="GET /api/customers/{id}",
        basis="serves them",
        request=request,
        shop="shop",
        reason=reason,
    )


def export(**conditions: Any) -> Access:
    told: dict[str, Any] = {"whom": None, "conditions": conditions, "count": 2}
    return msgspec.structs.replace(read(request=str(conditions)), **told)


def test_all_who_read_at_once_are_written_down(log: AccessLog) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(log.write, (read(ADA, request=str(n)) for n in range(200))))
    kept = log.page(Asked(customers=(ADA,)), 1000)
    assert {it.access.request for it in kept} == {str(n) for n in range(200)}
    assert [it.id for it in kept] == sorted((it.id for it in kept), reverse=True)


def test_what_is_written_is_read_as_it_was_said(log: AccessLog) -> None:
    said = read(ADA, BOB, reason="She calls")
    log.write(said)
    (kept,) = log.page(Asked(customers=(BOB,)), 10)
    assert kept.access == said


def test_the_reason_goes_with_the_person_and_the_read_stays(
    log: AccessLog, writer: Pool, keys: PersonKeys, database_url: str, tmp_path: Path
) -> None:
    log.write(read(ADA, reason="She calls"))
    with connect(database_url) as owner:
        owner.execute("update keeper.person_key set wrapped = null, forgotten_at = now()")
    with pool(database_url, KEEPER) as keeper:
        later = AccessLog(writer, PersonKeys(keeper, Keyring.open(tmp_path / "keyring.json")))
        (kept,) = later.page(Asked(customers=(ADA,)), 10)
        later.write(read(ADA, reason="She calls again"))
        assert len(later.page(Asked(customers=(ADA,)), 10)) == 2
        later.close()
    assert kept.access.reason is None
    assert kept.access.whom == (ADA,)
    del keys


def test_closing_writes_what_was_begun(writer: Pool, keys: PersonKeys) -> None:
    closing = AccessLog(writer, keys)
    begun = [closing.begin(read(ADA, request=str(n))) for n in range(20)]
    closing.close()
    assert all(it.done() and it.exception() is None for it in begun)


def test_what_cannot_be_written_is_told_to_each_who_waits(
    log: AccessLog, database_url: str
) -> None:
    with connect(database_url) as owner:
        owner.execute("alter table log.access rename to elsewhere")
        begun = [log.begin(read(ADA)) for _ in range(5)]
        for it in begun:
            with pytest.raises(AccessNotWritten):
                it.result(60)
        owner.execute("alter table log.elsewhere rename to access")
    log.write(read(ADA))
    assert len(log.page(Asked(), 10)) == 1


def test_a_page_is_full_though_a_month_within_it_was_destroyed(
    log: AccessLog, writer: Pool, ring: Keyring, keeper: Pool, database_url: str
) -> None:
    past = datetime(2026, 1, 15, tzinfo=UTC)
    for n in range(6):
        said = read(ADA, request=str(n))
        log.write(said if n in {0, 1, 5} else msgspec.structs.replace(said, at=past))
    with connect(database_url) as owner:
        owner.execute("update keeper.period_key set wrapped = null where period = '2026-01'")
    kept = Reads(writer, PersonKeys(keeper, ring))
    pages = [kept.page(Asked(), limit) for limit in (1, 2, 3, 10)]
    assert [[it.access.request for it in page] for page in pages] == [
        ["5"],
        ["5", "1"],
        ["5", "1", "0"],
        ["5", "1", "0"],
    ]
    assert [it.access.request for it in kept.page(Asked(after=pages[0][-1].id), 1)] == ["1"]


def test_a_person_is_told_of_their_own_reads_and_of_nobody_else(log: AccessLog) -> None:
    for said in (
        read(ADA, BOB, request="list"),
        read(ADA, request="reveal", reason="She calls"),
        read(BOB, request="other"),
    ):
        log.write(said)
    reveal, several = log.of([ADA])
    assert (reveal.request, reveal.reason) == ("reveal", "She calls")
    assert (several.request, several.whom) == ("list", (ADA,))
    (_, hers) = log.of([BOB])
    assert (hers.request, hers.whom) == ("list", (BOB,))


def test_an_export_is_told_to_whom_it_can_have_held(log: AccessLog) -> None:
    refused = UUID(int=7)
    for said in (export(known=True), export(origins=[ADA]), export(refused=[str(refused)])):
        log.write(said)
    assert [len(list(log.of([whose]))) for whose in (ADA, BOB)] == [2, 1]
    held, everybody = log.of([BOB], refused=[refused])
    assert (held.count, held.conditions, everybody.conditions) == (2, {}, {})


def test_of_many_reads_each_is_told_once(log: AccessLog) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(log.write, (read(ADA, request=str(n)) for n in range(1_100))))
    assert len({it.request for it in log.of([ADA])}) == 1_100
