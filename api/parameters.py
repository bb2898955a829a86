"""Parameters that many routes take."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator

_LAST_YEAR: Final = 9000


def _in_utc(value: datetime) -> datetime:
    if not 1 < value.year < _LAST_YEAR:
        raise ValueError("year out of range")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_in_utc)]
"""An instant; without an offset it is in UTC."""
