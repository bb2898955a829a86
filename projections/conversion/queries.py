"""Questions about campaigns, asked about an instant: nothing that occurred later counts.

Each takes a connection that reads `huike.*`; one snapshot for all (`repeatable read`) keeps the
figures of an answer consistent while facts come in.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from domain.campaign.events import Arm
from projections.conversion.answers import Asked, Conversion, LastTouch, Summary
from projections.conversion.counts import (
    Counts,
    Group,
    Money,
    compared,
    elsewhere,
    incremental,
    outcome,
)
from projections.conversion.recipients import recipient_at
from projections.conversion.statements import (
    ASKED,
    GROUPS,
    MONEY,
    SPELLS,
    TAKINGS,
    TOUCHED,
)
from projections.conversion.statistics import Spell, Takings
from projections.conversion.tables import Purchase, Recipient

Connection = psycopg.Connection[Any]


def campaigns(connection: Connection, at: datetime) -> list[Summary]:
    """Return every campaign drafted by an instant, the latest first, and what it had brought."""
    groups = _groups(connection, at)
    money = _money(connection, at)
    return [
        _summary(
            asked,
            Counts(
                groups=[g for g in groups if g.campaign == asked.campaign],
                money=[m for m in money if m.campaign == asked.campaign],
                window_days=asked.window_days,
            ),
        )
        for asked in _asked(connection, at)
    ]


def conversion(connection: Connection, campaign: UUID, at: datetime) -> Conversion | None:
    """Return what a campaign had brought by an instant; None where there is no such campaign."""
    found = _asked(connection, at, campaign)
    if not found:
        return None
    (asked,) = found
    counts = Counts(
        groups=_groups(connection, at, campaign),
        money=_money(connection, at, campaign),
        window_days=asked.window_days,
    )
    about = {"campaign": campaign, "at": at, "currency": counts.currency}
    spells = _spells(connection, about)
    arms = {arm: outcome(arm, counts, spells.get(arm, ())) for arm in counts.arms}
    uplift, why_not = compared(arms.get(Arm.TREATED), arms.get(Arm.CONTROL))
    takings = _takings(connection, about) if uplift else {}
    return Conversion(
        campaign=asked,
        at=at,
        currency=counts.currency,
        arms=list(arms.values()),
        uplift=uplift,
        incremental=incremental(uplift, takings, asked.seed or 0),
        why_no_uplift=why_not,
        last_touch=_last_touch(connection, about),
        both_arms=sum(g.both_arms for g in counts.groups),
    )


def recipient_of(connection: Connection, customer: UUID, at: datetime) -> list[Recipient]:
    """Return what a customer was a recipient of by an instant, and what had come of it."""
    about = {"customer": customer}
    with connection.cursor(row_factory=class_row(Purchase)) as cursor:
        cursor.execute(
            "select * from huike.conversion_purchase where customer = %(customer)s", about
        )
        purchases = cursor.fetchall()
    with connection.cursor(row_factory=class_row(Recipient)) as cursor:
        cursor.execute(
            "select * from huike.conversion_recipient where customer = %(customer)s "
            "order by anchor, campaign",
            about,
        )
        recipients = [recipient_at(recipient, purchases, at) for recipient in cursor]
    return [recipient for recipient in recipients if recipient is not None]


def _summary(asked: Asked, counts: Counts) -> Summary:
    arms = {arm: outcome(arm, counts, ()) for arm in counts.arms}
    treated, control = arms.get(Arm.TREATED), arms.get(Arm.CONTROL)
    uplift, why_not = compared(treated, control)
    return Summary(
        campaign=asked,
        recipients=sum(arm.recipients for arm in arms.values()),
        treated=treated.recipients if treated else 0,
        control=control.recipients if control else 0,
        mature=sum(arm.mature for arm in arms.values()),
        converted=[day.converted for day in treated.curve] if treated else [0] * counts.days,
        treated_rate=treated.curve[-1].share if treated else None,
        control_rate=control.curve[-1].share if control else None,
        uplift=uplift,
        why_no_uplift=why_not,
        currency=counts.currency,
        net=sum((arm.revenue.net for arm in arms.values()), Decimal(0)),
        other_currencies=elsewhere(((m.currency, m.net) for m in counts.money), counts.currency),
    )


def _asked(connection: Connection, at: datetime, campaign: UUID | None = None) -> list[Asked]:
    with connection.cursor(row_factory=class_row(Asked)) as cursor:
        return cursor.execute(ASKED, {"at": at, "campaign": campaign}).fetchall()


def _groups(connection: Connection, at: datetime, campaign: UUID | None = None) -> list[Group]:
    with connection.cursor(row_factory=class_row(Group)) as cursor:
        about = {"at": at, "campaign": campaign, "currency": None}
        return cursor.execute(GROUPS, about).fetchall()


def _money(connection: Connection, at: datetime, campaign: UUID | None = None) -> list[Money]:
    with connection.cursor(row_factory=class_row(Money)) as cursor:
        return cursor.execute(MONEY, {"at": at, "campaign": campaign}).fetchall()


def _spells(connection: Connection, about: dict[str, Any]) -> dict[str, list[Spell]]:
    spells: dict[str, list[Spell]] = {}
    for arm, day, at_risk, converted in connection.execute(SPELLS, about):
        spells.setdefault(arm, []).append(Spell(day=day, at_risk=at_risk, converted=converted))
    return spells


def _takings(connection: Connection, about: dict[str, Any]) -> dict[str, Takings]:
    takings: dict[str, dict[Decimal, int]] = {}
    for arm, brought, recipients in connection.execute(TAKINGS, about):
        takings.setdefault(arm, {})[brought] = recipients
    return dict(takings)


def _last_touch(connection: Connection, about: dict[str, Any]) -> LastTouch:
    touched = connection.execute(TOUCHED, about).fetchall()
    currency = about["currency"]
    return LastTouch(
        orders=sum(orders for _, orders, _ in touched),
        net=sum((net for other, _, net in touched if other == currency), Decimal(0)),
        other_currencies=elsewhere(((other, net) for other, _, net in touched), currency),
    )
