"""The days on which a customer did something: on each, the first time and the last."""

from msgspec.structs import replace

from domain.shared.events import Fact
from projections.lifecycle.resuming import late_since
from projections.lifecycle.tables import DAY, Lifecycle, LifecycleDay
from projections.rows import Rows


def did(rows: Rows, row: Lifecycle, fact: Fact) -> bool:
    """Keep that the customer did something; tell whether that could make a difference."""
    at, date = fact.occurred_at, fact.occurred_at.date()
    last, first, position = row.last_activity_at, row.day_first_at, row.day_first_position
    late = late_since(row) is not None or (last is not None and date < last.date())
    if not late and last is not None and first is not None and position is not None:
        if first <= at <= last:
            return False
        late = at < first
        if date == last.date() and not late:
            same = LifecycleDay(
                customer=rows.subject, day=date, first_at=first, first_position=position, last_at=at
            )
            rows.put(DAY, same)
            return True
    day = LifecycleDay(
        customer=rows.subject, day=date, first_at=at, first_position=fact.position, last_at=at
    )
    if late:
        return on_day(rows, day)
    rows.put(DAY, day)
    return True


def on_day(rows: Rows, day: LifecycleDay) -> bool:
    """Keep what is known of a day; tell whether it is news."""
    held = rows.get(DAY, day.day)
    if held is None:
        rows.put(DAY, day)
        return True
    first = min((d.first_at, d.first_position) for d in (held, day))
    both = replace(
        held, first_at=first[0], first_position=first[1], last_at=max(held.last_at, day.last_at)
    )
    rows.put(DAY, both)
    return both != held
