"""The access log: who read whose personal data, written before the answer is given."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import structlog
from psycopg import sql

from domain.shared.refusals import AccessNotWritten
from infra import clock
from infra.access_chain import append, pack
from infra.postgres import Pool
from infra.sealing import KeyForgotten, PersonKeys

PURPOSE: Final = "access"

_AT_ONCE: Final = 500
_PATIENCE_SECONDS: Final = 30.0
_CLOSING_SECONDS: Final = 30.0
_REASON: Final = b"access|reason"
_FIND: Final = "select id, at, shop, period, sealed, reason from log.access"

log = structlog.get_logger("access")


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One read: who, whose, what, when, why, and by which request.

    `basis` is what allowed it, `reason` what somebody said when asked for one (None once the person
    is forgotten). Of an export, and of refused events, `whom` is None: `conditions` and `count` say
    what was in it.
    """

    at: datetime = msgspec.field(default_factory=clock.now)
    actor_kind: str
    actor_id: str
    whom: tuple[UUID, ...] | None
    operation: str
    basis: str
    request: str
    shop: str
    conditions: dict[str, Any] = {}
    count: int | None = None
    reason: str | None = None


class Kept(NamedTuple):
    """A read as it is kept, with its place in the log of reads."""

    id: int
    access: Access


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which reads: all that are given must hold. `until` is not included; `after`: older than it.

    `customers` are the ids that a customer was ever read by; an export may hold anybody.
    """

    actor: str | None = None
    customers: tuple[UUID, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int | None = None


class Reads:
    """What is written in the access log."""

    def __init__(self, pool: Pool, keys: PersonKeys) -> None:
        self._pool = pool
        self._keys = keys

    def page(self, asked: Asked, limit: int) -> list[Kept]:
        """Return reads, the latest first; fewer than `limit` when there are no more."""
        return list(islice(self._walked(asked, limit), limit))

    def between(self, since: datetime | None, until: datetime | None) -> Iterator[Access]:
        """Yield all reads from one time up to before another, the latest first."""
        for _, access in self._walked(Asked(since=since, until=until), _AT_ONCE):
            yield access

    def of(
        self,
        customers: Collection[UUID],
        *,
        refused: Collection[UUID] = (),
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Access]:
        """Yield who read these people's data, the latest first; nothing of anybody else.

        `refused`: refused events that name them. An export that cannot have held them is left out,
        and what was asked for of the others.
        """
        asked = Asked(customers=tuple(customers), since=since, until=until)
        theirs = {"origins": {*map(str, customers)}, "refused": {*map(str, refused)}}
        for _, access in self._walked(asked, _AT_ONCE):
            if _may_hold(access, theirs):
                yield _of_them(access, customers)

    def _walked(self, asked: Asked, at_once: int) -> Iterator[Kept]:
        """Yield reads, the latest first, past those whose month was destroyed."""
        while found := self._found(asked, at_once):
            yield from (Kept(place, access) for place, access in found if access is not None)
            if len(found) < at_once:
                return
            asked = msgspec.structs.replace(asked, after=found[-1][0])

    def _found(self, asked: Asked, limit: int) -> list[tuple[int, Access | None]]:
        """Return reads by their places; None for one whose month was destroyed."""
        conditions = [sql.SQL("true")]
        values: dict[str, Any] = {"limit": limit}
        for name, condition in _CONDITIONS.items():
            if (value := getattr(asked, name)) is not None:
                conditions.append(sql.SQL(condition))
                values[name] = value
        if asked.actor is not None:
            values["actor"] = self._keys.blind("access-actor", asked.actor)
        if asked.customers is not None:
            values["customers"] = [self._whom(one) for one in asked.customers]
        statement = sql.SQL("{} where {} order by id desc limit %(limit)s").format(
            sql.SQL(_FIND), sql.SQL(" and ").join(conditions)
        )
        with self._pool.connection() as connection:
            rows = connection.execute(statement, values).fetchall()
        return [(row[0], self._opened(*row[1:])) for row in rows]

    def _opened(
        self, at: datetime, shop: str, period: str, sealed: bytes, reason: bytes | None
    ) -> Access | None:
        plain = self._keys.open_period(PURPOSE, shop, "", period, sealed)
        if plain is None:
            return None
        access = msgspec.convert(
            {**msgspec.msgpack.decode(plain), "at": at, "shop": shop}, Access, strict=False
        )
        if reason is None or not access.whom:
            return access
        said = self._keys.open(access.whom[0], reason, _REASON)
        return msgspec.structs.replace(access, reason=said.decode() if said is not None else None)

    def _whom(self, customer: UUID) -> bytes:
        return self._keys.blind("access-whom", customer.hex)


class AccessLog(Reads):
    """Writes reads in a thread of its own: what comes together is one insert, chained."""

    def __init__(self, pool: Pool, keys: PersonKeys) -> None:
        super().__init__(pool, keys)
        self._queue: SimpleQueue[tuple[Access, Future[None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="huike-access", daemon=True)
        self._thread.start()

    def begin(self, access: Access) -> "Future[None]":
        """Have a read written; the future is done when it is durable, or has AccessNotWritten."""
        written: Future[None] = Future()
        self._queue.put((access, written))
        return written

    def write(self, access: Access) -> None:
        """Write a read, and wait. Raises AccessNotWritten."""
        try:
            self.begin(access).result(_PATIENCE_SECONDS)
        except TimeoutError:
            raise AccessNotWritten from None

    def close(self) -> None:
        """Write what was begun, and end."""
        self._queue.put(None)
        self._thread.join(_CLOSING_SECONDS)

    def _row(self, access: Access) -> bytes:
        period = f"{access.at:%Y-%m}"
        told = msgspec.structs.asdict(access)
        reason = told.pop("reason")
        for elsewhere in ("at", "shop"):
            del told[elsewhere]
        plain = _encode(told)
        said: bytes | None = None
        if reason and access.whom:
            with suppress(KeyForgotten):  # nobody is to read it any more
                said = self._keys.seal(access.whom[0], reason.encode(), _REASON)
        return pack(
            access.at,
            self._keys.blind("access-actor", access.actor_id),
            None if access.whom is None else [self._whom(one) for one in access.whom],
            access.shop,
            period,
            self._keys.seal_period(PURPOSE, access.shop, "", period, plain),
            said,
        )

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, more = [first], True
            with suppress(Empty):
                while len(batch) < _AT_ONCE:
                    following = self._queue.get_nowait()
                    if following is None:
                        more = False
                        break
                    batch.append(following)
            self._settle([(a, f) for a, f in batch if f.set_running_or_notify_cancel()])
            if not more:
                return

    def _settle(self, batch: Sequence[tuple[Access, "Future[None]"]]) -> None:
        try:
            rows = [self._row(access) for access, _ in batch]
            with self._pool.connection() as connection:
                append(connection, rows)
        except Exception:  # whatever it is, nobody reads without its being written down
            log.exception("access not written", reads=len(batch))
            for _, written in batch:
                written.set_exception(AccessNotWritten())
        else:
            for _, written in batch:
                written.set_result(None)


def _may_hold(access: Access, theirs: Mapping[str, AbstractSet[str]]) -> bool:
    """Tell whether people can have been in what was read, as far as its conditions tell.

    `theirs`: what is theirs of what a condition names.
    """
    for name, ids in theirs.items():
        if access.whom is None and name in access.conditions:
            return not ids.isdisjoint(access.conditions[name])
    return True


def _of_them(access: Access, customers: Collection[UUID]) -> Access:
    """Return a read without what it tells of others; a reason is of whom it names first."""
    whom = access.whom
    return msgspec.structs.replace(
        access,
        whom=None if whom is None else tuple(one for one in whom if one in customers),
        reason=access.reason if whom and whom[0] in customers else None,
        conditions={},
    )


_encode: Final = msgspec.msgpack.Encoder(decimal_format="string", uuid_format="canonical").encode
_CONDITIONS: Final[Mapping[str, Any]] = {
    "actor": "actor = %(actor)s",
    "customers": "(whom && %(customers)s or whom is null)",
    "since": "at >= %(since)s",
    "until": "at < %(until)s",
    "after": "id < %(after)s",
}
