"""What jobs do: questions about everybody at an old position, and verifications."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.shared.log import Reader
from domain.shared.refusals import NotFound
from infra import logging
from infra.apart import apart
from infra.event_store import LogReader
from infra.holders import keeper_pool
from infra.jobs import Progress, Work
from infra.keyring import Keyring
from infra.postgres import VIEWS, connect
from infra.sealing import PersonKeys
from infra.settings import Settings
from projections.catalogue import VIEWS as CATALOGUE
from projections.conversion.answers import Conversion
from projections.conversion.gathering import Gathering
from projections.conversion.projection import conversion
from projections.lifecycle.answers import Counts, Tally
from projections.lifecycle.projection import lifecycle
from projections.lifecycle.tables import LIFECYCLE
from projections.profile.answers import Customer, shown
from projections.profile.projection import profile
from projections.profile.queries import Sort, Wanted
from projections.profile.tables import PROFILE
from projections.rows import Rows
from projections.runtime.as_of import AsOf
from projections.runtime.verify import Report, Verifier

KINDS: Final = ("lifecycle", "conversion", "customers", "verify")


class _Then(msgspec.Struct, frozen=True, kw_only=True):
    """When, and as known at which position; and what else was asked."""

    at: datetime
    known_at: int
    campaign: UUID | None = None
    shop: str | None = None
    wanted: Wanted = Wanted()
    sort: Sort = Sort.LAST_SEEN_DOWN
    limit: int = 50


def works_apart(settings: Settings) -> Mapping[str, Work]:
    """Return all works by kind, each done in a process of its own."""
    return {kind: apart(partial(_opened, settings), kind) for kind in KINDS}


@contextmanager
def _opened(settings: Settings) -> Iterator[Mapping[str, Work]]:
    """Open what works stand on, in a process that does one of them."""
    logging.configure(settings.log_level)
    log_url, views_url = settings.log_url, settings.views_or_log_url
    assert log_url is not None
    assert views_url is not None
    with ExitStack() as stack:
        keyring = Keyring.open(settings.keyring_file, settings.vault)
        keys = stack.enter_context(keeper_pool(log_url, keyring, size=2))
        sealer = PersonKeys(keys, keyring)
        reader = stack.enter_context(closing(LogReader(log_url, sealer, pool_size=2)))
        yield Works(reader, sealer, views_url, settings.slots).by_kind()


class Works:
    """The works of one process."""

    def __init__(self, reader: Reader, sealer: PersonKeys, views_url: str, slots: int) -> None:
        self._reader = reader
        self._sealer = sealer
        self._views_url = views_url
        self._slots = slots

    def by_kind(self) -> Mapping[str, Work]:
        return {kind: getattr(self, kind) for kind in KINDS}

    def lifecycle(self, asked: Mapping[str, Any], progress: Progress) -> Counts:
        """Count customers by stage and tier."""
        then, tally = _then(asked), Tally()
        self._as_of(lifecycle).everybody(
            lambda rows: tally.rows(rows, then.shop),
            at=then.at,
            known_at=then.known_at,
            progress=progress,
        )
        return tally.counts(then.at)

    def conversion(self, asked: Mapping[str, Any], progress: Progress) -> Conversion:
        """Tell what a campaign had brought. Raises NotFound."""
        then = _then(asked)
        assert then.campaign is not None  # it was asked about one
        gathering = Gathering(then.campaign, then.at)
        self._as_of(conversion).everybody(
            gathering.take, at=then.at, known_at=then.known_at, progress=progress
        )
        answer = gathering.answer()
        if answer is None:
            raise NotFound(what="campaign", id=then.campaign)
        return answer

    def customers(self, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        """Count the customers who met the conditions, and tell the first of them, masked."""
        then = _then(asked)
        places: dict[UUID, tuple[str | None, str]] = {}
        found: list[Customer] = []

        def place(rows: Rows) -> None:
            if (row := rows.get(LIFECYCLE)) is not None:
                places[rows.subject] = row.stage, row.tier

        def take(rows: Rows) -> None:
            if (row := rows.get(PROFILE)) is None:
                return
            stage, tier = places.get(rows.subject, (None, None))
            customer = msgspec.structs.replace(shown(row, reveal=False), stage=stage, tier=tier)
            if _meets(customer, then.wanted):
                found.append(customer)

        for share, view, each in ((0.0, lifecycle, place), (0.5, profile, take)):
            self._as_of(view).everybody(
                each,
                at=then.at,
                known_at=then.known_at,
                progress=lambda done, share=share: progress(share + done / 2),  # type: ignore[misc]  # a default binds the loop's
            )
        found.sort(key=_SORTED_BY[then.sort.removeprefix("-")], reverse=then.sort.startswith("-"))
        return {"at": then.at, "count": len(found), "customers": found[: then.limit]}

    def verify(self, asked: Mapping[str, Any], progress: Progress) -> Report:
        """Compare a view with a replay."""
        view = CATALOGUE[asked["view"]]
        with closing(connect(self._views_url, VIEWS)) as connection:
            verifier = Verifier(connection, view, self._sealer, self._reader, self._slots)
            return verifier.verify(progress)

    def _as_of(self, view: Any) -> AsOf:
        return AsOf(view, self._reader, self._sealer.blind)


def _then(asked: Mapping[str, Any]) -> _Then:
    return msgspec.convert(asked, _Then, strict=False)


def _meets(customer: Customer, wanted: Wanted) -> bool:
    seen = customer.last_seen or customer.first_seen
    return all(
        (
            wanted.stage in {None, customer.stage},
            wanted.tier in {None, customer.tier},
            wanted.kind in {None, customer.kind},
            wanted.known in {None, customer.known},
            wanted.tag is None or wanted.tag in customer.tags,
            wanted.consent is None or wanted.consent in customer.consents,
            wanted.seen_since is None or seen >= wanted.seen_since,
            wanted.seen_before is None or seen < wanted.seen_before,
            wanted.net_from is None or customer.net >= wanted.net_from,
            wanted.net_to is None or customer.net <= wanted.net_to,
        )
    )


_Sorting = Callable[[Customer], tuple[Decimal | int | datetime, UUID]]
_SORTED_BY: Final[Mapping[str, _Sorting]] = {
    "net": lambda c: (c.net, c.customer),
    "orders": lambda c: (c.orders, c.customer),
    "first_seen": lambda c: (c.first_seen, c.customer),
    "last_seen": lambda c: (c.last_seen or c.first_seen, c.customer),
}
