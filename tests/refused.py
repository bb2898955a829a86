"""Events that were refused, as they are kept: a test says of one what matters."""

from typing import Any

from infra import clock
from infra.refused import Packet, Refusal


def refused(message: bytes, *, currency: str = "USD", **told: Any) -> tuple[Refusal, Packet]:
    """Return one that the site of the shop `tea` sent, unless something else is `told`."""
    about: dict[str, Any] = {
        "received_at": clock.now(),
        "shop": "tea",
        "source": "site",
        "door": "http",
        "reason": "malformed",
        "detail": "",
        "place": None,
        "correlation": "",
        **told,
    }
    return Refusal(**about), Packet(message=message, currency=currency, system=False)
