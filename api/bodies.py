"""Bodies of requests, read within bounds: bytes on the wire and bytes unpacked."""

import asyncio
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from starlette.types import Message, Receive

from domain.shared.refusals import Refused

SECONDS: Final = 30
"""How long a body may take to come."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_ENCODINGS: Final = frozenset({b"", b"identity", b"gzip", b"x-gzip"})


class BodyTooLarge(Refused):
    """The body may have {limit} bytes, unpacked."""


class BodyBroken(Refused):
    """The body says that it is gzip, and is not."""


class BodyTooSlow(Refused):
    """The body did not come within {seconds} seconds."""


class UnknownEncoding(Refused):
    """The body may be plain or gzip, nothing else."""


class UnknownMedia(Refused):
    """The body must be JSON: application/json, or text/plain as beacons send it."""


class Gone(Exception):
    """The client went away before its request was read."""


def check_media(headers: Mapping[bytes, bytes]) -> None:
    """Take JSON, what beacons send, and what does not say. Raises UnknownMedia."""
    if not _is_json(headers.get(b"content-type", b"")):
        raise UnknownMedia


@lru_cache(maxsize=1_000)
def _is_json(told: bytes) -> bool:
    media = told.decode("latin-1").partition(";")[0].strip().lower()
    return media in {"", "application/json", "text/plain", "text/json"} or (
        media.startswith("application/") and media.endswith("+json")
    )


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """Return the body, unpacked; never holds more than twice `limit`.

    Raises BodyTooLarge, BodyTooSlow, BodyBroken, UnknownEncoding, Gone.
    """
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding not in _ENCODINGS:
        raise UnknownEncoding
    declared = headers.get(b"content-length", b"").decode("latin-1")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(limit=limit)
    try:
        async with asyncio.timeout(SECONDS):
            body = await _whole(receive, limit)
    except TimeoutError:
        raise BodyTooSlow(seconds=SECONDS) from None
    return unzip(body, limit) if encoding.endswith(b"gzip") else body


def in_time(receive: Receive) -> Receive:
    """Return what receives a request, and raises BodyTooSlow when its body takes too long."""
    until: float | None = None
    whole = False

    async def bounded() -> Message:
        nonlocal until, whole
        if whole:  # what comes now is that the client went away
            return await receive()
        if until is None:
            until = asyncio.get_running_loop().time() + SECONDS
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow(seconds=SECONDS) from None
        whole = not message.get("more_body", False)
        return message

    return bounded


async def _whole(receive: Receive, limit: int) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body = body + message["body"] if body else message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise BodyTooLarge(limit=limit)
    return body


def unzip(packed: bytes, limit: int) -> bytes:
    """Unpack gzip, of one member or several, and stop at the limit: a bomb does not go off.

    Raises BodyTooLarge, BodyBroken.
    """
    plain = b""
    while packed:
        member = zlib.decompressobj(_GZIP)
        try:
            plain += member.decompress(packed, limit - len(plain) + 1)
        except zlib.error as error:
            raise BodyBroken from error
        if len(plain) > limit:
            raise BodyTooLarge(limit=limit)
        if not member.eof:
            raise BodyBroken
        packed = member.unused_data
    return plain
