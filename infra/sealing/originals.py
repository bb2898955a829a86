"""Messages as they were sent: sealed under their person's key and their month's, together."""

from abc import ABC, abstractmethod
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.shared.personal import KeyForgotten
from infra.keyring import EpochKeys, SpoiledKey
from infra.postgres import Pool
from infra.sealing.at_hand import AtHand
from infra.sealing.envelope import both, seal, unseal
from infra.sealing.refused import RefusedKeys


class OriginalKeys(RefusedKeys, ABC):
    """Seals and opens originals, whoever finds the persons' keys."""

    def __init__(self, pool: Pool, keyring: EpochKeys, at_hand: AtHand) -> None:
        super().__init__(pool, keyring)
        self._at_hand = at_hand

    @abstractmethod
    def _key(self, identity: UUID) -> bytes | None:
        """Return somebody's key, if there is one."""

    def seal_original(  # noqa: PLR0913, PLR0917  # two keys, and what they seal
        self, identity: UUID, message: UUID, plain: bytes, shop: str, source: str, month: str
    ) -> bytes:
        """Seal a message as it was sent, under the person's key and the month's together.

        It is bound to `message`, the stream of its facts: nobody can put another in its place.
        """
        key = self._original_key(identity, shop, source, month)
        return seal(key, plain, b"original|" + message.bytes)

    def open_original(  # noqa: PLR0913, PLR0917  # as it was sealed
        self, identity: UUID, message: UUID, sealed: bytes, shop: str, source: str, month: str
    ) -> bytes | None:
        """Open an original; None when a key is gone, or when it is another message's."""
        try:
            key = self._original_key(identity, shop, source, month)
        except (KeyForgotten, SpoiledKey):
            return None
        return unseal(key, sealed, b"original|" + message.bytes)

    def _original_key(self, identity: UUID, shop: str, source: str, month: str) -> AESGCM:
        key = self._key(identity)
        if key is None:
            raise KeyForgotten
        period = ("original", shop, source, month)
        ready = self._at_hand.original(identity.int, period)
        if ready is not None:
            return ready
        made = both(self.period_key(*period), key, b"huike original")
        self._at_hand.hold_original(identity.int, key, period, made)
        if period not in self._periods:  # it was destroyed meanwhile
            self._at_hand.let_go_of_originals()
        return made
