"""The draw: who is held out of a campaign, for anybody to draw again."""

import hashlib
from decimal import Decimal
from uuid import UUID

from domain.campaign.events import Arm


def draw(seed: int, recipient: UUID, control_share: Decimal) -> Arm:
    """Return the arm of a recipient; a function of these three and of nothing else.

    u = the first 8 bytes, as a big-endian number, of SHA-256("<seed>|<recipient in hex>").
    The recipient is in the control group when u < control_share × 2⁶⁴: shares are exact, the same
    seed draws the same people, and a larger share only adds people to the control group.
    """
    digest = hashlib.sha256(f"{seed}|{recipient.hex}".encode()).digest()
    held_out = int.from_bytes(digest[:8], "big") < control_share * 2**64
    return Arm.CONTROL if held_out else Arm.TREATED
