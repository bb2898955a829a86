"""What is kept in the clear: codes, amounts and names of the trade. Everything else is sealed.

A value in the clear is short and plain: a number, or a text of at most 200 characters without an @.
"""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network
from types import NoneType
from typing import Any, Final

import msgspec

PLAIN_CHARACTERS: Final = 200


def both_spellings(names: str) -> frozenset[str]:
    """Return snake_case names together with their camelCase."""
    snake = names.split()
    camel = [n.split("_")[0] + "".join(p.capitalize() for p in n.split("_")[1:]) for n in snake]
    return frozenset(snake) | frozenset(camel)


CODES: Final = both_spellings(
    "order_id checkout_id cart_id product_id sku category variant position quantity price currency "
    "total subtotal revenue value shipping tax discount coupon coupon_id promotion_id campaign_id "
    "list_id wishlist_id payment_id refund_id review_id rating step"
)
"""Properties in the clear on any event."""

WORDS: Final = CODES | both_spellings(
    "affiliation name brand creative coupon_name shipping_method payment_method carrier "
    "channel share_via filters sorts products"
)
"""Properties in the clear on the events of the trade, whose meaning is agreed."""

PRODUCT: Final = both_spellings(
    "product_id sku id name category brand variant price quantity discount coupon position currency"
)
"""What is in the clear of each of `products`, `filters` and `sorts`."""

TRAITS: Final = both_spellings("age gender created_at")
GROUP_TRAITS: Final = both_spellings("created_at industry employees plan")

CONTEXT: Final = frozenset({"active", "locale", "timezone"})
CONTEXT_PARTS: Final[dict[str, frozenset[str]]] = {
    "app": frozenset({"name", "version", "build", "namespace"}),
    "campaign": frozenset({"name", "source", "medium", "content", "id"}),
    "device": frozenset({"type", "manufacturer", "model"}),
    "library": frozenset({"name", "version"}),
    "network": frozenset({"bluetooth", "carrier", "cellular", "wifi"}),
    "os": frozenset({"name", "version"}),
    "referrer": frozenset({"type", "name"}),
    "screen": frozenset({"width", "height", "density"}),
}
_ROWS: Final = frozenset({"products", "filters", "sorts"})
_FLAT: Final = (int, float, NoneType)
FILTER: Final = PRODUCT | {"type"}
"""Not its value, nor a campaign's term: what somebody looked for may say who they are."""


class Clear(msgspec.Struct, frozen=True, kw_only=True):
    """A shop's own allow-lists, which extend the standard ones."""

    properties: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()


Parts = tuple[dict[str, Any], dict[str, Any]]
"""What is in the clear, what is sealed."""


def is_plain(value: Any) -> bool:
    """Tell a value that says nobody's name: short, flat, no address."""
    if isinstance(value, str):
        return len(value) <= PLAIN_CHARACTERS and "@" not in value
    return isinstance(value, _FLAT)


def split(values: Mapping[str, Any], standard: frozenset[str], allowed: frozenset[str]) -> Parts:
    """Deal values into those in the clear and those to be sealed.

    What the shop itself allows is taken as it is; what the standard allows only if it is plain.
    """
    clear: dict[str, Any] = {}
    sealed: dict[str, Any] = {}
    for name, value in values.items():
        if name in allowed or (
            name in standard
            and (
                len(value) <= PLAIN_CHARACTERS and "@" not in value
                if isinstance(value, str)
                else isinstance(value, _FLAT)
            )
        ):
            clear[name] = value
        elif name in _ROWS and name in standard and isinstance(value, list):
            rows, rest = _split_rows(value, PRODUCT if name == "products" else FILTER, allowed)
            clear[name] = rows
            if any(rest):
                sealed[name] = rest
        else:
            sealed[name] = value
    return clear, sealed


def _split_rows(rows: list[Any], standard: frozenset[str], allowed: frozenset[str]) -> Any:
    shown: list[Any] = []
    rest: list[Any] = []
    for row in rows:
        clear, sealed = split(row, standard, allowed) if isinstance(row, dict) else ({}, row)
        shown.append(clear)
        rest.append(sealed)
    return shown, rest


def split_context(context: Mapping[str, Any]) -> Parts:
    """Deal a context: device, app and campaign in the clear, addresses and pages sealed.

    An IP address is cut down to its network (/24, /48) and kept nowhere else.
    """
    clear: dict[str, Any] = {}
    sealed: dict[str, Any] = {}
    for name, value in context.items():
        parts = CONTEXT_PARTS.get(name)
        if parts is not None and isinstance(value, dict):
            shown, rest = split(value, parts, frozenset())
            if shown:
                clear[name] = shown
            if rest:
                sealed[name] = rest
        elif name in CONTEXT and is_plain(value):
            clear[name] = value
        elif name == "ip":
            if isinstance(value, str) and (network := cut(value)):
                clear["ip"] = network
        else:
            sealed[name] = value
    return clear, sealed


@lru_cache(maxsize=10_000)
def cut(ip: str) -> str | None:
    """Return the network of an address, None when it is none."""
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    network = ip_network((address, 24 if address.version == 4 else 48), strict=False)  # noqa: PLR2004
    return str(network.network_address)
