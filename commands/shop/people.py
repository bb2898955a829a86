"""Who somebody is, as a shop says it: traits, kind, consents, and which visitor they were."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from commands.shop.amounts import camel
from commands.shop.clear import TRAITS, is_plain, split
from commands.shop.refusals import UnknownChannel, WrongType
from commands.shop.told import Told
from domain.customer.events import (
    Address,
    ConsentGranted,
    ConsentWithdrawn,
    Kind,
    KindStated,
    Person,
    TraitsAsserted,
)
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.log import Draft, Recognition

UNRECORDED: Final = "unrecorded"
"""The wording of a consent whose shop does not say what the customer read."""

_CHANNELS: Final = frozenset(channel.value for channel in Channel)
_KIND_TRAITS: Final = ("kind", "type")


_PERSON: Final = {
    spelling: field.name
    for field in msgspec.structs.fields(Person)
    for spelling in (field.name, camel(field.name))
    if field.name not in {"address", "company"}
}
_ADDRESS: Final = {
    spelling: field.name
    for field in msgspec.structs.fields(Address)
    for spelling in (field.name, camel(field.name))
}


def told_of_people(told: Told) -> tuple[Draft, ...]:
    """Return what an identify says of a customer, or of a visitor who is not known yet."""
    if told.kind != "identify":
        return ()
    traits = dict(told.message.traits or {})
    consents = traits.pop("consents", None)
    events: list[Event] = []
    if (kind := _kind(traits)) is not None:
        events.append(KindStated(kind=kind))
    if (asserted := _asserted(told, traits)) is not None:
        events.append(asserted)
    events.extend(_consents(consents, told.door.source))
    return tuple(told.of_customer(event) for event in events)


def recognition(told: Told) -> Recognition | None:
    """Return who the visitor turns out to be: an identify with both ids, or an alias, says it."""
    if told.user is None or told.visitor is None or told.kind not in {"identify", "alias"}:
        return None
    return Recognition(visitor=told.visitor, user=told.user, occurred_at=told.at)


def _kind(traits: dict[str, Any]) -> Kind | None:
    """Take a trait that says `person` or `company`; other values are ordinary traits."""
    for name in _KIND_TRAITS:
        value = traits.get(name)
        if isinstance(value, str) and value.lower() in {Kind.PERSON, Kind.COMPANY}:
            del traits[name]
            return Kind(value.lower())
    return None


def _asserted(told: Told, traits: dict[str, Any]) -> TraitsAsserted | None:
    """Deal traits into the person, what is clear, and the rest; the shop's id is personal."""
    person, others = _person(traits)
    clear, private = split(others, TRAITS, told.door.clear.traits)
    if told.user_id is not None:
        private.setdefault("id", told.user_id)
    if person is None and not clear and not private:
        return None
    return TraitsAsserted(person=person, traits=clear, private=private or None)


def _person(traits: Mapping[str, Any]) -> tuple[Person | None, dict[str, Any]]:
    said: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in traits.items():
        if (field := _PERSON.get(name)) is not None:
            said[field] = _text(value, name)
        elif name == "address":
            said["address"], rest = _address(value)
            if rest:
                others["address"] = rest
        elif name == "company":
            said["company"], rest = _company(value)
            if rest:
                others["company"] = rest
        else:
            others[name] = value
    return (Person(**said) if said else None), others


def _text(value: Any, name: str) -> str:
    """Return a trait as text; null takes it back, which is an empty text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)  # phone numbers and postal codes often come as numbers
    raise WrongType(why=f"the trait {name} is not a text")


def _address(value: Any) -> tuple[Address, dict[str, Any]]:
    if value is None:
        return Address(), {}
    if not isinstance(value, dict):
        return Address(street=_text(value, "address")), {}
    said = {_ADDRESS[n]: _text(v, "address") for n, v in value.items() if n in _ADDRESS}
    return Address(**said), {n: v for n, v in value.items() if n not in _ADDRESS}


def _company(value: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(value, dict):
        return _text(value, "company"), {}
    rest = dict(value)
    return _text(rest.pop("name", None), "company"), rest


def _consents(said: Any, source: str) -> Iterator[Event]:
    """Read `{"email": {"marketing": {"granted": true, "wording": "v3", "source": "checkout"}}}`.

    A bare true or false stands for {"granted": ...}. Raises WrongType, UnknownChannel.
    """
    for channel, purposes in _object(said, "consents").items():
        if channel not in _CHANNELS:
            raise UnknownChannel
        for purpose, value in _object(purposes, f"consents.{channel}").items():
            about = {"granted": value} if isinstance(value, bool) else _object(value, "a consent")
            granted = about.get("granted")
            if not isinstance(granted, bool):
                raise WrongType(why="a consent does not say whether it was granted")
            event = ConsentGranted if granted else ConsentWithdrawn
            yield event(
                channel=Channel(channel),
                purpose=_plain(purpose),
                source=_plain(about.get("source") or source),
                wording=_plain(about.get("wording") or UNRECORDED),
            )


def _plain(value: Any) -> str:
    """Return a part of a consent, which is kept in the clear: the name of a form, of a wording."""
    text = _text(value, "consents").strip()
    if not text or not is_plain(text):
        raise WrongType(why="a consent's purpose, source or wording is not a short name")
    return text


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WrongType(why=f"{what} is not an object")
    return value
