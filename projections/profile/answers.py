"""A profile as it is answered: masked, or opened for who may read what is personal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.customer.events import Person
from domain.shared.personal import ERASED, Sealer
from projections.profile import contact
from projections.profile.facets import Told
from projections.profile.tables import PROFILE, Portrait, Profile, Turnover
from projections.runtime.columns import context_of


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A profile. `masked`: name, e-mail and phone are masks, and there is no `person`.

    `erased`: what said who this is can never be read again. `stage` and `tier` are told by the
    lifecycle view.
    """

    customer: UUID
    known: bool
    kind: str | None
    name: str | None
    email: str | None
    phone: str | None
    masked: bool = True
    erased: bool = False
    person: Person | None = None
    private: dict[str, Any] | None = None
    tags: Sequence[str]
    consents: Sequence[str]
    traits: dict[str, Any]
    first_seen: datetime
    last_seen: datetime | None
    orders: int
    purchases: int
    currency: str | None
    paid: Decimal
    refunded: Decimal
    net: Decimal
    average: Decimal | None
    other_currencies: dict[str, Turnover]
    favourite_category: str | None
    open_tickets: int
    messages: int
    last_campaign: UUID | None
    last_campaign_at: datetime | None
    notes: int
    stage: str | None = None
    tier: str | None = None


_HIDDEN: Final = {"person", "email_index", "phone_index", "memory"}

COLUMNS: Final = tuple(c for c in PROFILE.columns if c not in _HIDDEN)
"""The columns of the profile that an answer is made of, `person` apart."""


def shown(row: Profile, *, reveal: bool) -> Customer:
    """Return the answer of a row that was folded in memory, as of an instant."""
    values = {name: getattr(row, name) for name in COLUMNS}
    return _revealed(values, row.person) if reveal else _masked(values)


def read(
    stored: Sequence[Any], standing: Mapping[str, Any] | None = None, *, person: Any = None
) -> Customer:
    """Return the answer of COLUMNS as they are stored; with `person` (opened), revealed.

    `standing`: stage and tier. A customer of whom nothing personal is known has no mask either.
    """
    values = dict(zip(COLUMNS, stored, strict=True))
    values["traits"] = _traits(values["traits"])
    values["other_currencies"] = _turnovers(values["other_currencies"])
    values.update(standing or {})
    return _masked(values) if person is NOT_ASKED else _revealed(values, person)


NOT_ASKED: Final = object()
"""Stands for a person that may not be read."""


def opened(sealer: Sealer, sealed: bytes | None, customer: UUID) -> Told:
    """Return the stored column `person`, opened."""
    if sealed is None:
        return None
    plain = sealer.open(customer, sealed, _PERSON) if sealed else None
    return ERASED if plain is None else _portrait(plain)


_PERSON: Final = context_of("profile", PROFILE.name, "person")
_portrait: Final = msgspec.json.Decoder(Portrait).decode
_traits: Final = msgspec.json.Decoder(dict[str, Any]).decode
_turnovers: Final = msgspec.json.Decoder(dict[str, Turnover]).decode


def _masked(values: dict[str, Any]) -> Customer:
    return Customer(
        name=values.pop("name_mask"),
        email=values.pop("email_mask"),
        phone=values.pop("phone_mask"),
        **values,
    )


def _revealed(values: dict[str, Any], portrait: Told) -> Customer:
    for mask in ("name_mask", "email_mask", "phone_mask"):
        del values[mask]
    if portrait is ERASED or portrait is None:
        erased = portrait is ERASED
        return Customer(name=None, email=None, phone=None, masked=False, erased=erased, **values)
    person = portrait.as_person()
    return Customer(
        name=contact.full_name(person),
        email=person.email,
        phone=person.phone,
        masked=False,
        person=person,
        private=portrait.private.values,
        **values,
    )
