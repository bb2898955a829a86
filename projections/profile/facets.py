"""Each facet of a profile, as it takes what one fact says, or another half of a history."""

from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from domain.customer.events import Address, Person
from domain.shared.personal import ERASED, Erased
from projections.profile import contact
from projections.profile.purchases import in_currency
from projections.profile.said import Said, Stamp, Switches, switched, those_on
from projections.profile.tables import Portrait, Profile
from projections.rows import Rows

Told = Portrait | Erased | None

_SHOWN = ("name", "first_name", "last_name", "company", "username", "email", "phone", "address")


def portrait(person: Person | None, private: dict[str, Any] | None, when: Stamp) -> Portrait:
    """Return what one fact says of a person: empty fields are taken back."""
    said: dict[str, Any] = {}
    if person is not None:
        said = {name: value or None for name, value in to_builtins(person).items()}
        if person.address == Address():
            said["address"] = None
    return Portrait(person=Said.once(said, when), private=Said.once(private or {}, when))


def with_portrait(rows: Rows, row: Profile, told: Told) -> Profile:
    """Take what was told of the person; once something of it is erased, so is the whole."""
    before = row.person
    if told is None:
        return row
    if told is ERASED or before is ERASED:
        return forgotten(row)
    known = before or Portrait()
    now = Portrait(person=known.person.and_(told.person), private=known.private.and_(told.private))
    row = replace(row, person=now)
    if all(known.person.values.get(n) == now.person.values.get(n) for n in _SHOWN):
        return row
    return _shown(rows, row, now.as_person())


def forgotten(row: Profile) -> Profile:
    """Return a profile that nobody can be found or recognised by any more."""
    return replace(
        row,
        person=ERASED,
        name_mask=None,
        email_mask=None,
        phone_mask=None,
        email_index=None,
        phone_index=None,
    )


def with_traits(row: Profile, said: Said) -> Profile:
    traits = Said(row.traits, row.memory.traits).and_(said)
    return replace(row, traits=traits.values, memory=replace(row.memory, traits=traits.stamps))


def with_kind(row: Profile, kind: str | None, when: Stamp | None) -> Profile:
    if when is None or (row.memory.kind is not None and row.memory.kind >= when):
        return row
    return replace(row, kind=kind, memory=replace(row.memory, kind=when))


def with_tags(row: Profile, said: Switches) -> Profile:
    tags = switched(row.memory.tags, said)
    return replace(row, tags=those_on(tags), memory=replace(row.memory, tags=tags))


def with_consents(row: Profile, said: Switches) -> Profile:
    """Take consents as last said; of two said at one instant the stricter, withdrawn, holds.

    So a recognised visitor's later word counts as the customer's own, which the law of combining
    asks for. Of two known customers that are merged, the stricter holds whatever was said last:
    that is for the fact of their merging to say.
    """
    consents = switched(row.memory.consents, said, off_wins_ties=True)
    return replace(row, consents=those_on(consents), memory=replace(row.memory, consents=consents))


def with_currency(row: Profile, currency: str | None, when: Stamp | None) -> Profile:
    """Take a currency as the customer's own if it was the first that they dealt in."""
    if when is None or (row.memory.currency is not None and row.memory.currency <= when):
        return row
    return replace(in_currency(row, currency), memory=replace(row.memory, currency=when))


def with_campaign(row: Profile, campaign: Any, when: Stamp | None) -> Profile:
    if when is None or (row.memory.campaign is not None and row.memory.campaign >= when):
        return row
    memory = replace(row.memory, campaign=when)
    return replace(row, last_campaign=campaign, last_campaign_at=when.at, memory=memory)


def _shown(rows: Rows, row: Profile, person: Person) -> Profile:
    """Put masks and blind indexes for the names and addresses that are known now."""
    name = contact.full_name(person)
    email = contact.email(person.email or "")
    country = person.address.country if person.address else None
    phone = contact.phone(person.phone or "", country)
    return replace(
        row,
        name_mask=contact.mask_name(name) if name else None,
        email_mask=contact.mask_email(email) if email else None,
        phone_mask=contact.mask_phone(phone) if phone else None,
        email_index=rows.blind("email", email) if email else None,
        phone_index=rows.blind("phone", phone) if phone else None,
    )
