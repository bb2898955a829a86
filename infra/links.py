"""Links that customers are given: each says whose it is and until when, and cannot be made up."""

import base64
import hmac
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from domain.shared.ids import Ids

_PURPOSE: Final = b"erasure link\x1f"
_SAID: Final = 20  # the customer's id, and when it ends
_LONG: Final = _SAID + 16


def token_of(ids: Ids, customer: UUID, until: datetime) -> str:
    """Return what stands in a link; it names the customer by id alone."""
    said = customer.bytes + int(until.timestamp()).to_bytes(4)
    return base64.urlsafe_b64encode(said + _mac(ids, said)).decode()  # of 36 bytes, without padding


def customer_of(ids: Ids, token: str, now: datetime) -> UUID | None:
    """Return whose a token is; None when it is none of ours, or has ended."""
    try:
        whole = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        return None
    said, mac = whole[:_SAID], whole[_SAID:]
    if len(whole) != _LONG or not hmac.compare_digest(mac, _mac(ids, said)):
        return None
    if datetime.fromtimestamp(int.from_bytes(said[16:]), UTC) < now:
        return None
    return UUID(bytes=said[:16])


def _mac(ids: Ids, said: bytes) -> bytes:
    return ids.content(_PURPOSE + said)[: _LONG - _SAID]
