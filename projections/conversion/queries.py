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

from projections.conversion.answers import Asked, Conversion, Summary
from projections.conversion.counts import (
    Counts,
    Group,
    Money,
    Touched,
    answered,
    main_currency,
    summarised,
)
from projections.conversion.recipients import recipients_at
from projections.conversion.statements import ASKED, BY_COUNTS, BY_ROWS, COUNTED_UNTIL, Figures
from projections.conversion.statistics import Spell, Takings
from projections.conversion.tables import Purchase, Recipient

Connection = psycopg.Connection[Any]


def figures(connection: Connection, at: datetime, campaign: UUID | None = None) -> Figures:
    """Return how to come to the figures at an instant: by counts, if they hold nothing later."""
    about = {"campaign": campaign}
    counted = connection.execute(COUNTED_UNTIL, about).fetchone()
    if counted is None or counted[0] is None or counted[0] <= at:
        return BY_COUNTS
    return BY_ROWS


def campaigns(connection: Connection, at: datetime) -> list[Summary]:
    """Return every campaign drafted by an instant, the latest first, and what it had brought."""
    by = figures(connection, at)
    groups: dict[UUID, list[Group]] = {}
    for group in _groups(connection, by, at):
        groups.setdefault(group.campaign, []).append(group)
    money: dict[UUID, list[Money]] = {}
    for part in _money(connection, by, at):
        money.setdefault(part.campaign, []).append(part)
    return [
        summarised(
            asked,
            Counts(
                groups=groups.get(asked.campaign, ()),
                money=(mine := money.get(asked.campaign, [])),
                currency=main_currency(mine),
                window_days=asked.window_days,
            ),
        )
        for asked in _asked(connection, at)
    ]


def conversion(
    connection: Connection, campaign: UUID, at: datetime, *, by: Figures | None = None
) -> Conversion | None:
    """Return what a campaign had brought by an instant; None where there is no such campaign.

    `by`: how to come to the figures, where not the quickest way will do.
    """
    found = _asked(connection, at, campaign)
    if not found:
        return None
    (asked,) = found
    by = by or figures(connection, at, campaign)
    money = _money(connection, by, at, campaign)
    currency = main_currency(money)
    about = {"campaign": campaign, "at": at, "currency": currency}
    counts = Counts(
        groups=_groups(connection, by, at, campaign),
        money=money,
        currency=currency,
        window_days=asked.window_days,
        spells=_spells(connection, by, about),
        takings=_takings(connection, by, about),
        touched=_touched(connection, by, about),
    )
    return answered(asked, at, counts)


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
            "select * from huike.conversion_recipient where customer = %(customer)s", about
        )
        return recipients_at(cursor, purchases, at)


def _asked(connection: Connection, at: datetime, campaign: UUID | None = None) -> list[Asked]:
    with connection.cursor(row_factory=class_row(Asked)) as cursor:
        return cursor.execute(ASKED, {"at": at, "campaign": campaign}).fetchall()


def _groups(
    connection: Connection, by: Figures, at: datetime, campaign: UUID | None = None
) -> list[Group]:
    with connection.cursor(row_factory=class_row(Group)) as cursor:
        about = {"at": at, "campaign": campaign, "currency": None}
        return cursor.execute(by.groups, about).fetchall()


def _money(
    connection: Connection, by: Figures, at: datetime, campaign: UUID | None = None
) -> list[Money]:
    with connection.cursor(row_factory=class_row(Money)) as cursor:
        return cursor.execute(by.money, {"at": at, "campaign": campaign}).fetchall()


def _spells(connection: Connection, by: Figures, about: dict[str, Any]) -> dict[str, list[Spell]]:
    spells: dict[str, list[Spell]] = {}
    for arm, day, at_risk, converted in connection.execute(by.spells, about):
        spells.setdefault(arm, []).append(Spell(day=day, at_risk=at_risk, converted=converted))
    return spells


def _takings(connection: Connection, by: Figures, about: dict[str, Any]) -> dict[str, Takings]:
    takings: dict[str, dict[Decimal, int]] = {}
    for arm, brought, recipients in connection.execute(by.takings, about):
        takings.setdefault(arm, {})[brought] = recipients
    return dict(takings)


def _touched(connection: Connection, by: Figures, about: dict[str, Any]) -> list[Touched]:
    with connection.cursor(row_factory=class_row(Touched)) as cursor:
        return cursor.execute(by.touched, about).fetchall()
