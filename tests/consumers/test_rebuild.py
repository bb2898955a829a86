"""A rebuild by several processes, while a worker keeps the view live."""

import pytest

from consumers.rebuild import rebuild, rebuild_view
from infra.settings import Settings
from projections import catalogue
from projections.runtime.compare import Compared
from tests.consumers.following import eventually, worker
from tests.projections.runtime.shop import Shop


@pytest.mark.slow
def test_every_view_is_rebuilt_while_it_is_kept_live(shop: Shop, settings: Settings) -> None:
    for n in range(60):
        shop.pay(f"user{n % 7}", f"o{n}", n)
    shop.email("user1", "a@example.com")
    shop.email(None, "v@example.com", visitor="v1")
    shop.recognise("v1", "user1")
    shop.adopt(30)
    seen: list[Compared] = []

    def decide(compared: Compared) -> bool:
        seen.append(compared)
        return True

    with worker(settings, catalogue.VIEWS):
        eventually(lambda: behind(shop) == 0, "all views are at the head")
        for view in catalogue.VIEWS.values():
            made = rebuild_view(settings, view, processes=2, decide=decide)
            assert made.swapped
            shop.pay("user1", f"after-{view.name}", 1)
        eventually(lambda: behind(shop) == 0, "all views are at the head again")
    assert [(c.different, c.differences, c.why_not) for c in seen] == [(0, [], None)] * 4
    for view in catalogue.VIEWS.values():
        report = shop.verify(view)
        assert report.different == 0, report.differences


@pytest.mark.slow
def test_the_command_says_what_it_did(
    shop: Shop, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with worker(settings, catalogue.VIEWS):
        shop.pay("ada", "o1", 1)
        eventually(lambda: behind(shop) == 0, "all views are at the head")
        assert rebuild(settings, "timeline", processes=1, swap_anyway=False) == 0
    assert "timeline_v2_2" in capsys.readouterr().out
    assert rebuild(settings, "no-such-view", processes=1, swap_anyway=False) == 2


def behind(shop: Shop) -> int:
    rows = shop.connection.execute("select position from huike.freshness").fetchall()
    head = shop.reader.head().position
    return head - min(row[0] for row in rows) if len(rows) == len(catalogue.VIEWS) else head
