"""What happens to API keys; never what they are."""

from datetime import datetime

from domain.shared.events import Event, fact


@fact("key.issued")
class KeyIssued(Event, frozen=True, kw_only=True):
    """A machine, or who works for the shop, was given a key and these rights.

    It records facts of this shop and source; `system`: as a machine of the shop does.
    """

    name: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    shop: str
    source: str
    system: bool
    currency: str
    per_minute: int | None = None
    expires_at: datetime | None = None


@fact("key.found")
class KeyFound(KeyIssued, frozen=True, kw_only=True):
    """A key had these rights already when keys became facts; who issued it is not known."""

    made_at: datetime


@fact("key.rotated")
class KeyRotated(Event, frozen=True, kw_only=True):
    """The key was given a new secret; the old one opened for a while yet.

    `expires_at`: when the key ends from now on, as it was before or not.
    """

    old_opens_until: datetime
    expires_at: datetime | None = None


@fact("key.revoked")
class KeyRevoked(Event, frozen=True, kw_only=True):
    """The key opens nothing any more."""
