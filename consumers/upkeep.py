"""What the doctor says of backups, drills and seals."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Final

import psycopg

from infra.epochs import Standing, standing
from infra.postgres import KEEPER, WRITER, connect
from infra.settings import Settings
from infra.upkeep import BACKUP, SEAL, Upkeep, upkeep_of

_LATE: Final = 2
"""Of this many times its hours a seal is late."""
_HOUR_SECONDS: Final = timedelta(hours=1).total_seconds()
_DAY_SECONDS: Final = timedelta(days=1).total_seconds()


def of_upkeep(settings: Settings, url: str) -> Iterator[tuple[str, str, str | None]]:
    """Say when each was last done, and what to do about it."""
    try:
        with closing(connect(url, WRITER)) as connection:
            found = upkeep_of(connection)
        with closing(connect(url, KEEPER)) as connection:
            epoch = standing(connection)
    except psycopg.Error:
        return  # what the log's own findings tell
    for one in found:
        yield one.what, _told(one), _mend(settings, one) or _of_before(settings, one, epoch)


def _of_before(settings: Settings, one: Upkeep, epoch: Standing) -> str | None:
    """Say that the keys of a backup may be wrapped by what a vault has destroyed."""
    if one.what != BACKUP or settings.vault is None or one.at is None or one.at > epoch.begun_at:
        return None
    before = f"they are of before epoch {epoch.epoch}"
    return f"{settings.vault.program} may not unwrap its keys, {before}: `huike backup`"


def _told(one: Upkeep) -> str:
    if one.at is None:
        return "none yet"
    upto = "" if one.position is None else f", up to fact {one.position:,}; {one.facts:,} since"
    return f"{one.at:%Y-%m-%d %H:%M}{upto}"


def _mend(settings: Settings, one: Upkeep) -> str | None:
    if one.failure is not None:
        return f"it failed on {one.failed_at:%Y-%m-%d %H:%M}: {one.failure}"
    days = one.seconds / _DAY_SECONDS
    if one.what == BACKUP and one.facts and 0 < settings.backup_days < days:
        return f"{days:,.0f} days without one: `huike backup` (HUIKE_BACKUP_DAYS)"
    late = one.seconds > _LATE * settings.seal_every * _HOUR_SECONDS
    if one.what == SEAL and settings.seals_by_itself and one.facts and late:
        return "it is late: does `huike work views` run? its log says what holds it"
    return None
