"""What customers do, as their shop's site or app reports it, under the names of the trade.

Each is the first fact of its message's stream, and keeps the keyed digest of the whole message.
What is on the standard lists is in the clear; everything else is sealed in `private`.
"""

from typing import Any, Final

from domain.shared.events import Event, fact
from domain.shared.personal import Personal

BEHAVIOUR: Final = "activity."
"""What the stored names of all these begin with."""


@fact("activity.tracked")
class Tracked(Event, frozen=True, kw_only=True):
    """A customer did something that has a name, such as `Product Viewed`."""

    name: str
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}
    private: Personal[dict[str, Any] | None] = None
    content: bytes


@fact("activity.page-viewed")
class PageViewed(Event, frozen=True, kw_only=True):
    """A customer looked at a page."""

    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}
    private: Personal[dict[str, Any] | None] = None
    content: bytes


@fact("activity.screen-viewed")
class ScreenViewed(Event, frozen=True, kw_only=True):
    """A customer looked at a screen of an app."""

    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}
    private: Personal[dict[str, Any] | None] = None
    content: bytes


@fact("activity.identified")
class Identified(Event, frozen=True, kw_only=True):
    """The shop said who somebody is; what it said stands in the customer's own facts."""

    context: dict[str, Any] = {}
    private: Personal[dict[str, Any] | None] = None
    content: bytes


@fact("activity.grouped")
class Grouped(Event, frozen=True, kw_only=True):
    """The shop said which group (a company, a household, a team) somebody belongs to."""

    group: Personal[str]
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}
    private: Personal[dict[str, Any] | None] = None
    content: bytes


@fact("activity.aliased")
class Aliased(Event, frozen=True, kw_only=True):
    """The shop said that two of its ids are the same somebody."""

    context: dict[str, Any] = {}
    private: Personal[dict[str, Any] | None] = None
    content: bytes


@fact("activity.reported")
class Reported(Event, frozen=True, kw_only=True):
    """A shop's system (not the customer) reported something that stands in other facts."""

    name: str
    context: dict[str, Any] = {}
    private: Personal[dict[str, Any] | None] = None
    content: bytes
