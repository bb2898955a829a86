"""Cursors: where a page of a list ended, as an opaque word that is given back for the next."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Generic, TypeVar

import msgspec

from domain.shared.refusals import Malformed

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Items in order, and the cursor of what follows them; None: nothing does."""

    items: list[T]
    cursor: str | None = None


def cursor_of(*place: object) -> str:
    """Return a cursor for a place: the values that the list is sorted by."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str, type_: type[T]) -> T:
    """Return the place of a cursor as a tuple type. Raises Malformed when it is none of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgspec.json.decode(urlsafe_b64decode(padded.encode()), type=type_)
    except (ValueError, msgspec.MsgspecError):
        raise Malformed(field="cursor", why="not a cursor of this list") from None
