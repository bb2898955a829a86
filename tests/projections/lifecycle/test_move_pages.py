"""Moves are listed page by page, and asked for by what they are."""

from collections.abc import Iterator

import pytest

from domain.shared.refusals import Malformed
from projections.lifecycle.queries import WantedMoves, moves
from projections.lifecycle.tables import LifecycleMove
from tests.projections.histories import USERS, History
from tests.projections.lifecycle.keeping import keep, sweep
from tests.projections.lifecycle.story import ADA, Life, at
from tests.projections.runtime.shop import Shop


@pytest.fixture
def ada(shop: Shop) -> Life:
    life = Life()
    life.buys(1)
    life.buys(200, "500")
    sweep(shop, keep(shop, History(tuple(life.facts), at(1_000)), []))
    return life


def pages(shop: Shop, wanted: WantedMoves, size: int) -> Iterator[list[LifecycleMove]]:
    cursor: str | None = None
    while True:
        page = moves(shop.connection, wanted, cursor=cursor, limit=size)
        yield page.items
        cursor = page.cursor
        if cursor is None:
            return


@pytest.mark.parametrize("size", [1, 2, 100])
def test_pages_hold_every_move_once_the_latest_first(shop: Shop, ada: Life, size: int) -> None:
    listed = [move for page in pages(shop, WantedMoves(), size) for move in page]
    assert [move.at for move in listed] == sorted((m.at for m in listed), reverse=True)
    told = {(at(m[0]), m[2]) for d in ("stage", "tier") for m in ada.moves(1_000, d)}
    assert {(move.at, move.became) for move in listed} == told
    assert len(listed) == len(told)


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("wanted", "days"),
    [
        (WantedMoves(became="lost"), [380, 181]),
        (WantedMoves(was="lost", became="won back"), [200]),
        (WantedMoves(dimension="tier"), [200, 1]),
        (WantedMoves(dimension="stage", since=at(200), before=at(290)), [230, 200]),
        (WantedMoves(customer=ADA, became="new"), [1]),
        (WantedMoves(customer=USERS[1]), []),
    ],
)
def test_moves_are_found_by_what_they_are(shop: Shop, wanted: WantedMoves, days: list[int]) -> None:
    assert [m.at for m in moves(shop.connection, wanted).items] == [at(day) for day in days]


@pytest.mark.usefixtures("ada")
def test_a_cursor_of_another_list_is_refused(shop: Shop) -> None:
    with pytest.raises(Malformed):
        moves(shop.connection, WantedMoves(), cursor="WzFd")
