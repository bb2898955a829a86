"""Looks after the harm: what was accepted is in the log and in the views, once."""

from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal

from consumers.opened import opened
from domain.shared.ids import Ids
from infra.event_store.chain import first_break
from infra.keyring import Keyring
from infra.postgres import READER, WRITER, connect
from infra.settings import Settings
from projections.catalogue import VIEWS
from projections.runtime.verify import Verifier
from tests.cli.running import await_that
from tests.drills.drill import Findings
from tests.drills.load import Load

SETTLE_SECONDS = 400.0


def head(settings: Settings) -> int:
    """Return the log's last position."""
    assert settings.log_url is not None
    with closing(connect(settings.log_url, WRITER)) as connection:
        row = connection.execute("select coalesce(max(position), 0) from log.batch").fetchone()
    assert row is not None
    return int(row[0])


def followed(settings: Settings) -> int:
    """Return the position that every slot of every view has reached."""
    assert settings.views_or_log_url is not None
    with closing(connect(settings.views_or_log_url)) as connection:
        row = connection.execute(
            "select coalesce(min(position), 0), count(*) from huike.freshness"
        ).fetchone()
    assert row is not None
    return int(row[0]) if row[1] == len(VIEWS) else 0


def settle(settings: Settings, told: str = "", within: float = SETTLE_SECONDS) -> None:
    """Wait until every slot of every view has the whole log."""
    last = head(settings)
    await_that(lambda: followed(settings) >= last, lambda: f"{told}{_places(settings)}", within)


def _places(settings: Settings) -> str:
    """Say where each view is, and why slots stopped."""
    assert settings.views_or_log_url is not None
    with closing(connect(settings.views_or_log_url)) as connection:
        views = connection.execute("select view, position from huike.freshness").fetchall()
        trouble = connection.execute(
            "select view, slot, position, why from views.trouble"
        ).fetchall()
    return f"log at {head(settings)}, views at {dict(views)}, trouble: {trouble[:3]}"


def recorded(settings: Settings, names: set[str]) -> int:
    """Return how many messages of these ids are in the log."""
    assert settings.log_url is not None
    ids = Ids(Keyring.open(settings.keyring_file).secret)
    streams = [ids.message("shop", "site", name) for name in names]
    with closing(connect(settings.log_url, WRITER)) as connection:
        row = connection.execute(
            "select count(*) from log.stream where id = any(%s)", (streams,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def look(found: Findings, settings: Settings, loads: Sequence[Load]) -> None:
    """Claim that all that was accepted, and no more, is in the log and in the views."""
    for load in loads:
        found.note(load.told())
        found.same(
            "every event was accepted in the end, none rejected", load.failed + load.rejected, []
        )
        found.same("each 429, 503 and 507 says when to come back", load.without_retry_after, 0)
    accepted = {name for load in loads for name in load.accepted}
    look_at_log(found, settings, accepted)
    look_at_views(
        found, settings, sum(load.orders for load in loads), sum(load.paid for load in loads)
    )


def look_at_log(found: Findings, settings: Settings, accepted: set[str]) -> None:
    """Claim that the log has these messages, each once, and nothing is half or out of order."""
    assert settings.log_url is not None
    with closing(connect(settings.log_url, WRITER)) as connection:
        rows = connection.execute(
            "select (select count(*) from log.original), count(*), max(position) from log.fact"
        ).fetchone()
        broken = first_break(connection)
    assert rows is not None
    found.same("accepted events that are in the log", recorded(settings, accepted), len(accepted))
    found.same("messages in the log: each once, none beside", rows[0], len(accepted))
    found.same("facts in the log: as many as the last position says", rows[1], rows[2] or 0)
    found.same("the chain of hashes follows from its rows, broken at", broken, None)


def look_at_views(found: Findings, settings: Settings, orders: int, paid: Decimal | int) -> None:
    """Claim that the views hold these orders, and say what a replay of the log says."""
    settle(settings)
    assert settings.views_or_log_url is not None
    with closing(connect(settings.views_or_log_url, READER)) as connection:
        summed = connection.execute(
            "select coalesce(sum(purchases), 0), coalesce(sum(paid), 0) from huike.profile"
        ).fetchone()
    found.same("orders in the profiles, and their sum", summed, (orders, paid))
    verify(found, settings)


def verify(found: Findings, settings: Settings) -> None:
    """Claim that every view says what the log says."""
    with opened(settings) as here:
        for view in VIEWS.values():
            report = Verifier(here.views, view, here.sealer, here.reader, settings.slots).verify()
            found.claim(
                f"`verify {view.name}` finds no difference",
                held=report.different == 0,
                found=f"{report.rows:,} rows, {report.facts:,} facts, {report.different} differ"
                + "".join(f"; {difference}" for difference in report.differences[:3]),
            )
