"""Looks whether an erasure is due; what carries it out is loaded by who has one."""

from contextlib import closing

from consumers.erasure.waiting import late_reasons, reasons
from consumers.place import placed
from infra import erasures
from infra.erasures import Erasure
from infra.postgres import KEEPER, VIEWS, WRITER, Connection, connect
from infra.settings import Settings


def carry_out_due(settings: Settings) -> None:
    """Bring every erasure whose time has come one step further, unless it has to wait."""
    settings = placed(settings)
    log_url, views_url = settings.log_url, settings.views_or_log_url
    assert log_url is not None
    assert views_url is not None
    with closing(connect(log_url, WRITER)) as log:
        erasures.follow(log)
        erasures.tell_holds(log)
        todo = erasures.due(log)
        if not todo:
            return
        with (
            closing(connect(log_url, KEEPER)) as keeper,
            closing(connect(views_url, VIEWS)) as views,
        ):
            days = settings.erasure_order_days
            all_wait = all(_waits(log, keeper, views, it, days) for it in todo)
    if not all_wait:
        from consumers.erasure.carrying_out import carry_out  # noqa: PLC0415  # seldom needed

        carry_out(settings)


def _waits(
    log: Connection, keeper: Connection, views: Connection, erasure: Erasure, order_days: int
) -> bool:
    """Write down what an erasure waits for, and say whether it does."""
    if erasure.state == "waiting":
        why = reasons(log, views, erasure.customer, order_days)
    elif erasure.state == "erasing":
        why = late_reasons(log, keeper, erasure)
    else:
        return False
    erasures.waits(log, erasure.erasure, why)
    return bool(why)
