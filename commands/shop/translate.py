"""From a shop's message to the facts that it tells: one append, kept whole or not at all."""

from functools import lru_cache
from typing import Any, Final

import msgspec

from commands.shop.activity import activity, spelled
from commands.shop.contract import (
    KINDS,
    MESSAGE_ID_CHARACTERS,
    TRANSPORT,
    Door,
    Message,
    Sent,
    Text,
    is_nobody,
    moment,
    read,
)
from commands.shop.orders import told_of_orders
from commands.shop.parcel import pack
from commands.shop.people import recognition, told_of_people
from commands.shop.refusals import Missing, MissingId, Nobody, TooLong, UnknownType
from commands.shop.told import Told
from domain.customer.events import CustomerRegistered
from domain.shared import log
from domain.shared.ids import Ids
from domain.shared.log import Append, Who

NAME_CHARACTERS: Final = 200
ID_CHARACTERS: Final = 500

_user: Final = lru_cache(maxsize=20_000)(Ids.user)
_visitor: Final = lru_cache(maxsize=20_000)(Ids.anonymous)
_canonical: Final = msgspec.json.Encoder(order="deterministic").encode


def translate(sent: Sent, door: Door, ids: Ids) -> Append:
    """Return what a message asks of the log. Pure: time, identity and chance come with it.

    Raises a NotTaken that says what is wrong with the message.
    """
    return translate_named(sent, door, ids)[1]


def translate_named(sent: Sent, door: Door, ids: Ids) -> tuple[str, Append]:
    """Return the messageId, its own or the one that it was given, and what `translate` does."""
    told = _told(sent, door, ids)
    facts = [told.of_message(activity(told))]
    if told.user is not None:
        facts.append(told.of_customer(CustomerRegistered(id=told.user_id), first=True))
    facts += told_of_people(told)
    facts += told_of_orders(told)
    message = told.message
    name = named(message)
    original = pack(sent, named=bool(name), secret=message.write_key is not None)
    return name or sent.message_id, Append(
        facts=tuple(facts),
        actor=door.actor,
        shop=door.shop,
        source=door.source,
        correlation=door.correlation,
        causation=told.stream,
        message=log.Message(id=told.stream, content=told.content, original=original),
        recognition=recognition(told),
    )


def _told(sent: Sent, door: Door, ids: Ids) -> Told:
    message = read(sent.raw)
    kind = sent.kind or message.type
    if kind not in KINDS:
        raise UnknownType
    own_id = named(message)
    message_id = own_id or sent.message_id
    if own_id and len(own_id) > MESSAGE_ID_CHARACTERS:
        raise TooLong(what="messageId", limit=MESSAGE_ID_CHARACTERS)
    user_id, visitor_id = _whose(message, kind)
    context = message.context or {}
    if sent.context:
        context = {**sent.context, **context}
    return Told(
        message=message,
        sent=sent,
        kind=kind,
        name=_name(message, kind),
        at=moment(message, sent, door.received_at),
        who=Who(
            user=None if user_id is None else _user(ids, door.shop, user_id),
            anonymous=None if visitor_id is None else _visitor(ids, door.shop, visitor_id),
        ),
        user_id=user_id,
        stream=ids.message(door.shop, door.source, message_id),
        content=ids.content(_canonical(_content(message, kind, sent, context))),
        context=context,
        system=door.system or context.get("reportedBy") == "system",
        door=door,
        ids=ids,
    )


def named(message: Message) -> str:
    """Return the messageId that a message has of its own (0 is one), empty when it has none."""
    return "" if message.message_id is None else str(message.message_id)


def _whose(message: Message, kind: str) -> tuple[str | None, str | None]:
    """Return the user's and the visitor's id, leaving out what stands for nobody."""
    user = _somebody(message.user_id, "userId")
    if kind == "alias":
        if message.user_id is None:
            raise Missing(what="userId")
        if message.previous_id is None:
            raise Missing(what="previousId")
        previous = _somebody(message.previous_id, "previousId")
        if user is None or previous is None:
            raise Nobody(what="userId" if user is None else "previousId")
        return user, previous
    visitor = _somebody(message.anonymous_id, "anonymousId")
    if user is None and visitor is None:
        if message.user_id is None and message.anonymous_id is None:
            raise MissingId
        raise Nobody(what="anonymousId" if message.user_id is None else "userId")
    if kind == "group":
        if message.group_id is None:
            raise Missing(what="groupId")
        if _somebody(message.group_id, "groupId") is None:
            raise Nobody(what="groupId")
    return user, visitor


@lru_cache(maxsize=20_000)
def _somebody(id: Text, what: str) -> str | None:
    if id is None:
        return None
    text = str(id)
    if len(text) > ID_CHARACTERS:
        raise TooLong(what=what, limit=ID_CHARACTERS)
    return None if is_nobody(text) else text


def _name(message: Message, kind: str) -> str:
    """Return the name of an event; of another message, its type."""
    if kind != "track":
        return kind
    name = (message.event or "").strip()
    if not name:
        raise Missing(what="event")
    if len(name) > NAME_CHARACTERS:
        raise TooLong(what="event", limit=NAME_CHARACTERS)
    return spelled(name)


def _content(message: Message, kind: str, sent: Sent, context: dict[str, Any]) -> list[Any]:
    """Return what a message says, without what its transport may change when it is sent again."""
    if not TRANSPORT.isdisjoint(context):
        context = {name: value for name, value in context.items() if name not in TRANSPORT}
    return [
        kind,
        message.event,
        message.name,
        message.category,
        message.user_id,
        message.anonymous_id,
        message.previous_id,
        message.group_id,
        message.original_timestamp or message.timestamp or sent.timestamp,
        message.properties,
        message.traits,
        context,
    ]
