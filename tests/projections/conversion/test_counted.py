"""What is counted as facts come is what counting everybody's rows comes to."""

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.postgres import Connection
from projections.conversion.projection import conversion as view
from projections.conversion.queries import campaigns, conversion, figures
from projections.conversion.statements import BY_COUNTS, BY_ROWS
from projections.runtime.verify import Verifier
from tests.projections.conversion import test_laws as laws
from tests.projections.conversion.conftest import Show
from tests.projections.conversion.story import SPRING, SUMMER, at
from tests.projections.conversion.test_gathering import INSTANTS, crowd, rounded
from tests.projections.histories import SLOTS, History, MemoryLog
from tests.projections.runtime.keeping import keep
from tests.projections.runtime.shop import Shop

few = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def both_agree(connection: Connection, campaign: UUID, instant: datetime) -> None:
    told = [
        rounded(conversion(connection, campaign, instant, by=by)) for by in (BY_COUNTS, BY_ROWS)
    ]
    assert told[0] == told[1]


@few
@given(laws.TestLaws.histories, st.lists(st.integers(1, 30), max_size=3))
def test_counts_are_exact_whatever_comes_late_or_is_merged(
    shop: Shop, history: History, ends: list[int]
) -> None:
    keep(shop, view, history, ends)
    log = MemoryLog(history)
    report = Verifier(shop.connection, view, shop.sealer, log, SLOTS).verify()
    assert report.different == 0, report.differences
    for campaign in laws.CAMPAIGNS:
        for days in (0, 5):
            both_agree(shop.connection, campaign, history.clock + timedelta(days=days))


def test_counts_answer_as_rows_do_and_only_when_they_hold_nothing_later(show: Show) -> None:
    connection = show(crowd())
    for day in INSTANTS:
        by = figures(connection, at(day), SPRING)
        assert by is (BY_COUNTS if day > 8 else BY_ROWS)
    for day in (8.25, 12, 60):
        for campaign in (SPRING, SUMMER):
            both_agree(connection, campaign, at(day))
    counted = rounded(conversion(connection, SPRING, at(60)))
    (spring,) = [c for c in campaigns(connection, at(60)) if c.campaign.campaign == SPRING]
    assert sum(arm["recipients"] for arm in counted["arms"]) == spring.recipients == 150


def test_a_count_that_is_wrong_is_a_difference(shop: Shop) -> None:
    live = shop.live(view)
    campaign = shop.draft("spring")
    shop.follow(live)
    assert campaign
    shop.connection.execute(
        "insert into conversion_v2.conversion_count values (gen_random_uuid(), 1, 'treated', "
        "now(), now(), 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, now())"
    )
    (difference,) = shop.verify(view).differences
    assert difference.table == "conversion_count"
    assert difference.live["recipients"] == 3
    assert difference.replayed is None
