"""What a shop is answered: what became of each of its events."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response
from starlette.types import Send

from api.dressing import SAFE, dressed
from api.turned_away import SHARED
from commands.shop import NotTaken, Sent
from commands.shop.parcel import pack_refused
from domain.shared.log import Receipt

Outcome = Receipt | NotTaken
Refusals = Sequence[tuple[bytes, str, NotTaken]]
"""Messages, where they stood, and why they were refused."""


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What became of one event."""

    message_id: str | None = None
    status: str
    duplicate: bool = False
    position: int | None = None
    reason: str | None = None
    detail: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What became of all of them; `success`: all were accepted."""

    success: bool
    results: list[Result]


class Said:
    """An answer with results, as far as the door looks into a response."""

    status_code = 200

    def __init__(self, body: bytes, position: int) -> None:
        self.body = body
        length = str(len(body)).encode()
        self.raw_headers = [*_HEADERS, (b"content-length", length)]
        if position:
            self.raw_headers.append((b"x-position", str(position).encode()))


async def say(answer: "Said | Response", send: Send, *marks: tuple[bytes, bytes]) -> None:
    """Send an answer that is whole, with more headers."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status_code,
            "headers": [*answer.raw_headers, *marks]
            if isinstance(answer, Said)
            else dressed(answer.raw_headers, *marks),
        }
    )
    await send({"type": "http.response.body", "body": answer.body})


class _Named(msgspec.Struct, frozen=True):
    message_id: Any = msgspec.field(default=None, name="messageId")


_HEADERS: Final = [
    (b"content-type", b"application/json"),
    *((name.encode(), value.encode()) for name, value in SHARED.items()),
    *SAFE,
]
_encode: Final = msgspec.json.Encoder().encode
_named: Final = msgspec.json.Decoder(_Named)


def told(sent: Sequence[Sent], names: Sequence[str | None], outcomes: Sequence[Outcome]) -> Said:
    """Return the answer about all of them; `names`: their ids, where they were read."""
    results: list[Result] = []
    position = 0
    success = True
    for one, name, outcome in zip(sent, names, outcomes, strict=True):
        if isinstance(outcome, NotTaken):
            success = False
            results.append(
                Result(
                    message_id=name or _name_of(one),
                    status="rejected",
                    reason=outcome.code,
                    detail=str(outcome),
                )
            )
            continue
        if outcome.position is not None and outcome.position > position:
            position = outcome.position
        results.append(
            Result(
                message_id=name,
                status="accepted",
                duplicate=outcome.duplicate,
                position=outcome.position,
            )
        )
    return Said(_encode(Answer(success, results)), position)


def refused(sent: Sequence[Sent], outcomes: Sequence[Outcome]) -> Refusals:
    """Return those that are to be kept as refused."""
    return [
        (pack_refused(one), f"event {number}", outcome)
        for number, (one, outcome) in enumerate(zip(sent, outcomes, strict=True))
        if isinstance(outcome, NotTaken)
    ]


def _name_of(sent: Sent) -> str | None:
    """Return the messageId that an event has, or was given."""
    try:
        own = _named.decode(sent.raw).message_id
    except (ValueError, RecursionError):
        return None
    return str(own) if own is not None and own != "" else sent.message_id
