"""A key: issued once, given new secrets, revoked once."""

from uuid import UUID

from domain.key.events import KeyIssued, KeyRevoked, KeyRotated
from domain.key.standing import UNKNOWN, after
from domain.shared.aggregate import Root
from domain.shared.events import Event
from domain.shared.refusals import Refused


class NobodysKey(Refused):
    """No fact tells who issued this key: revoke it, and make another."""


class KeyIsRevoked(Refused):
    """Key {name} was revoked, so that no secret of it opens again."""


class ApiKey(Root):
    """What somebody shows at the door, and what they may do behind it."""

    facts = ("key",)

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.standing = UNKNOWN

    def whose(self) -> None:
        """Nobody's: it is the installation's."""

    def issue(self, given: KeyIssued) -> None:
        """Say what the key may do; `given` may be a KeyFound."""
        if self.standing.rights is None:
            self.record(given)

    def rotate(self, rotated: KeyRotated) -> None:
        if self.standing.rights is None:
            raise NobodysKey
        if self.standing.revoked:
            raise KeyIsRevoked(name=self.standing.rights.name)
        self.record(rotated)

    def revoke(self) -> None:
        """Say that it opens nothing more, even if nobody issued it."""
        if not self.standing.revoked:
            self.record(KeyRevoked())

    def evolve(self, event: Event) -> None:
        self.standing = after(self.standing, event)
