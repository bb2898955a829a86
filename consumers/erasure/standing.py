"""How erasures stand, for the doctor: how many wait, and what should have been done by now."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Final

import psycopg

from infra.postgres import WRITER, connect

_COUNTED: Final = """
select count(*) filter (where state = 'waiting'), count(*) filter (where state = 'certified'),
  array_agg(erasure::text order by due_at) filter (
    where state in ('waiting', 'erasing', 'erased') and waits_for = '{}'
    and greatest(due_at, erased_at) < clock_timestamp() - interval '10 minutes')
from log.erasure
"""
_NAMED: Final = 3


def of_erasures(url: str) -> Iterator[tuple[str, str | None]]:
    """Say how erasures stand, if any were asked for, and what to do about it."""
    try:
        with closing(connect(url, WRITER)) as connection:
            row = connection.execute(_COUNTED).fetchone()
    except psycopg.Error:
        return  # what the log's own findings tell
    assert row is not None
    waiting, done, late = row
    if waiting or done or late:
        yield f"{waiting:,} wait, {done:,} done", _mend(late) if late else None


def _mend(late: Sequence[str]) -> str:
    """Name those that should have been done and are not: what fails is tried again and again."""
    more = ", …" if len(late) > _NAMED else ""
    return (
        f"{len(late):,} are late, {', '.join(late[:_NAMED])}{more}: does `huike work views` run? "
        "its log says what holds them, as `erasure.failed`"
    )
