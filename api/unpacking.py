"""What a shop's body holds: the key that it shows, and its messages."""

from starlette.concurrency import run_in_threadpool

from api.fresh import fresh_name, fresh_names
from commands.shop import NotTaken, Sent
from commands.shop.contract import Unread, write_key_of, write_key_of_unread
from commands.shop.parcel import Batch, open_carefully, open_quickly


async def secret_in(body: bytes) -> str | None:
    """Return the key that a body shows; None where it shows none."""
    try:
        return write_key_of(body)
    except Unread:
        return await run_in_threadpool(write_key_of_unread, body)


async def messages_in(body: bytes, kind: str) -> list[Sent] | NotTaken:
    """Return the messages of a body, or why it has none."""
    if kind != "batch":
        return [Sent(raw=body, kind=kind, message_id=fresh_name())]
    try:
        batch = open_quickly(body)
        if batch is None:
            batch = await run_in_threadpool(open_carefully, body)
    except NotTaken as refusal:
        return refusal
    return _messages_of(batch)


def _messages_of(batch: Batch) -> list[Sent]:
    sent_at = batch.sent_at if isinstance(batch.sent_at, str) else None
    context = batch.context
    return [
        Sent(raw=bytes(raw), message_id=name, context=context, sent_at=sent_at)
        for raw, name in zip(batch.batch, fresh_names(len(batch.batch)), strict=True)
    ]
