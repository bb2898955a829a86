"""What may say who somebody is: sealed before it is written, `Erased` when its key is gone."""

from collections.abc import Collection
from enum import Enum
from typing import Annotated, Any, Final, Protocol, TypeVar, final, get_args, get_origin
from uuid import UUID

import msgspec

T = TypeVar("T")


@final
class Erased(Enum):
    """What is read in place of a personal value whose key was destroyed or is not held."""

    ERASED = "erased"


ERASED: Final = Erased.ERASED

_PERSONAL: Final = "personal"

Personal = Annotated[T | Erased, _PERSONAL]
"""A field that is sealed with its origin's key: `email: Personal[str]`."""


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """A sealed value as it stands in a stored body: `{"sealed": "<base64 envelope>"}`."""

    sealed: bytes


class KeyForgotten(Exception):
    """Nothing can be sealed for this person any more: their key was destroyed."""


class Sealer(Protocol):
    """Seals and opens values under one key per identity."""

    def ensure(self, identities: Collection[UUID]) -> None:
        """Make sure that each identity has a key, unless it was destroyed, in one round trip."""

    def load(self, identities: Collection[UUID]) -> None:
        """Have these identities' keys at hand, in one round trip."""

    def seal(self, identity: UUID, plain: bytes, context: bytes) -> bytes:
        """Seal `plain` for `identity`, bound to `context`, which must be given again to open it.

        Raises KeyForgotten when the identity has no key.
        """

    def open(self, identity: UUID, sealed: bytes, context: bytes) -> bytes | None:
        """Open what `seal` made; None when the key is gone or not held, or the seal is broken."""

    def has_key(self, identity: UUID) -> bool:
        """Tell whether an identity has a key, which then opens all that was sealed for it."""

    def blind(self, kind: str, value: str) -> bytes:
        """Return a keyed index of a normalised value: equal values, equal indexes, no way back."""


def is_personal(annotation: Any) -> bool:
    return get_origin(annotation) is Annotated and _PERSONAL in get_args(annotation)[1:]


def plain_type(annotation: Any) -> Any:
    """Return T of `Personal[T]`."""
    union: Any = None
    for arg in get_args(get_args(annotation)[0]):
        if arg is not Erased:
            union = arg if union is None else union | arg
    return union
