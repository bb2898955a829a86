"""Ids that nobody without the installation's secret can recompute from what they stand for."""

import hmac
from typing import Final
from uuid import UUID

_VERSION_8: Final = 8 << 76 | 2 << 62
_FREE: Final = ~(15 << 76 | 3 << 62)


class Ids:
    """Derives the id of a person, order, ticket, campaign or message from the shop's own ids.

    UUID(HMAC-SHA256(secret, shop 0x1F kind 0x1F id ...)), version 8: the same shop, kind and id
    give the same UUID for ever; kinds never collide. 0x1E escapes 0x1E and 0x1F inside a part.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, digestmod="sha256")

    def derive(self, shop: str, kind: str, *parts: str) -> UUID:
        mac = self._key.copy()
        mac.update("\x1f".join(map(_escaped, (shop, kind, *parts))).encode())
        digest = int.from_bytes(mac.digest()[:16])
        return UUID(int=digest & _FREE | _VERSION_8)

    def content(self, canonical: bytes) -> bytes:
        """Return the keyed digest (16 bytes) of a message's canonical content."""
        mac = self._key.copy()
        mac.update(b"content\x1f" + canonical)
        return mac.digest()[:16]

    def user(self, shop: str, id: str) -> UUID:
        return self.derive(shop, "user", id)

    def anonymous(self, shop: str, id: str) -> UUID:
        return self.derive(shop, "anonymous", id)

    def order(self, shop: str, number: str) -> UUID:
        return self.derive(shop, "order", number)

    def ticket(self, shop: str, number: str) -> UUID:
        return self.derive(shop, "ticket", number)

    def campaign(self, shop: str, code: str) -> UUID:
        return self.derive(shop, "campaign", code)

    def assignment(self, campaign: UUID, recipient: UUID) -> UUID:
        """Return the stream of one recipient of one campaign: its assignment and its messages."""
        return self.derive("", "assignment", campaign.hex, recipient.hex)

    def redemption(self, shop: str, code: str, place: UUID, use: str = "") -> UUID:
        """Return the stream of one use of a coupon: for an order, or by a customer (`place`).

        `use` tells several uses in one place apart.
        """
        return self.derive(shop, "redemption", code, place.hex, use)

    def policy(self, shop: str) -> UUID:
        return self.derive(shop, "lifecycle-policy")

    def message(self, shop: str, source: str, id: str) -> UUID:
        """Return the stream of one message of one source: its deduplication, for ever."""
        return self.derive(shop, "message", source, id)


def _escaped(part: str) -> str:
    """Return a part that cannot be taken for two: its own separators follow an escape."""
    if "\x1e" in part or "\x1f" in part:
        return part.replace("\x1e", "\x1e\x1e").replace("\x1f", "\x1e\x1f")
    return part
