"""The activity that every message is, whatever else it says."""

from typing import Any, Final

from commands.shop.clear import CODES, GROUP_TRAITS, WORDS, is_plain, split, split_context
from commands.shop.orders import REDEEMED, TRANSLATIONS
from commands.shop.told import Told
from domain.activity.events import (
    Aliased,
    Grouped,
    Identified,
    PageViewed,
    Reported,
    ScreenViewed,
    Tracked,
)
from domain.shared.events import Event

TRADE: Final = (
    "Products Searched",
    "Product List Viewed",
    "Product List Filtered",
    "Promotion Viewed",
    "Promotion Clicked",
    "Product Clicked",
    "Product Viewed",
    "Product Added",
    "Product Removed",
    "Cart Viewed",
    "Checkout Started",
    "Checkout Step Viewed",
    "Checkout Step Completed",
    "Payment Info Entered",
    "Order Completed",
    "Order Updated",
    "Order Refunded",
    "Order Cancelled",
    "Coupon Entered",
    "Coupon Applied",
    "Coupon Denied",
    "Coupon Removed",
    "Product Added to Wishlist",
    "Product Removed from Wishlist",
    "Wishlist Product Added to Cart",
    "Product Shared",
    "Cart Shared",
    "Product Reviewed",
    *TRANSLATIONS,
    REDEEMED,
)
"""Event names that mean something to us."""

_TRADE: Final = frozenset(TRADE)
_SPELLED: Final = {name.casefold(): name for name in TRADE} | {"order canceled": "Order Cancelled"}


def spelled(name: str) -> str:
    """Return the trade's spelling of an event's name; an unknown name is kept as it is."""
    return _SPELLED.get(name.casefold(), name)


def activity(told: Told) -> Event:
    """Return the fact of the message itself; a system's message is a report, nobody's activity."""
    context, private_context = split_context(told.context)
    message = told.message
    private: dict[str, Any] = {"context": private_context} if private_context else {}
    common: dict[str, Any] = {"context": context, "content": told.content}
    if told.system:
        for field in ("properties", "traits"):
            if given := getattr(message, field):
                private[field] = given
        return Reported(name=told.name, private=private or None, **common)
    if told.kind == "identify":
        return Identified(private=private or None, **common)
    if told.kind == "alias":
        return Aliased(private=private or None, **common)
    if told.kind == "group":
        traits, rest = split(message.traits or {}, GROUP_TRAITS, told.door.clear.traits)
        if rest:
            private["traits"] = rest
        group = str(message.group_id)
        return Grouped(group=group, traits=traits, private=private or None, **common)
    return _behaviour(told, private, common)


def _behaviour(told: Told, private: dict[str, Any], common: dict[str, Any]) -> Event:
    """Return a track, page or screen; an order's lines stand in the order's own fact."""
    standard = WORDS if told.kind == "track" and told.name in _TRADE else CODES
    given = told.message.properties or {}
    if told.name in TRANSLATIONS and "products" in given:
        given = {name: value for name, value in given.items() if name != "products"}
    properties, rest = split(given, standard, told.door.clear.properties)
    if rest:
        private["properties"] = rest
    if told.kind == "track":
        return Tracked(name=told.name, properties=properties, private=private or None, **common)
    viewed = PageViewed if told.kind == "page" else ScreenViewed
    words: dict[str, Any] = {}
    for field in ("name", "category"):
        value = getattr(told.message, field)
        if value is not None and not is_plain(value):
            private[field] = value
            value = None
        words[field] = value
    return viewed(properties=properties, private=private or None, **words, **common)
