"""The page of refusals: every class with its sentence, its name for machines and its status."""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Final

import api
import commands
import domain
from api import errors, turned_away
from commands.shop.refusals import NotTaken
from docs.generate.markdown import code, doc, document, table
from domain.shared.refusals import Refused

_OURS: Final = ("domain.", "commands.", "api.")

_ABOUT: Final = """
Whatever is refused says why, in a sentence that holds the numbers. Over HTTP it is a problem of
RFC 9457 (`application/problem+json`): `title`, `status`, `detail` (the sentence), `request_id`, and
the sentence's values as members of their own. `type` is `urn:huike:problem:` and the name below.

409 is a refusal by the rules of the shop's business: the request was understood. 422 is a request
that is malformed; `errors` says where.
"""

_EVENTS: Final = """
`POST /v1/...` answers for each event. A refused one has `status: rejected`, its code as `reason`
and the sentence as `detail`; it is kept, sealed, at `/api/refused`, and in `shop.events.dead` when
it came by Kafka. A code is stable. A sentence never repeats what was sent.
"""

_WHOLE: Final = """
A request is refused as a whole, in the form that Segment's SDKs read (`code`, `message`), when
nothing in it can be told apart.
"""


def page() -> str:
    """Return the page of all refusals."""
    for package in (domain, commands, api):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    return document(
        "Refusals",
        _ABOUT,
        "## Commands and queries",
        table(["name", "status", "sentence"], _rows()),
        "## Events of shops",
        _EVENTS,
        table(["code", "sentence"], _codes()),
        _WHOLE,
        table(["refusal", "status", "sentence"], _wholes()),
    )


def _all(kind: type[Refused]) -> Iterator[type[Refused]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith(_OURS):
            yield below
            yield from _all(below)


def _sentence(kind: type[Refused]) -> str:
    return re.sub(r"\{(\w+)\}", r"`{\1}`", doc(kind).split("\n\n")[0])


def _rows() -> list[list[str]]:
    found = {
        errors.slug_of(kind): kind
        for kind in _all(Refused)
        if not issubclass(kind, NotTaken) and kind.__module__ not in _SHOPS_DOOR
    }
    return [
        [code(slug), str(errors.status_of(kind)), _sentence(kind)]
        for slug, kind in sorted(found.items())
    ]


_SHOPS_DOOR: Final = {"api.turned_away", "api.bodies", "api.shares"}


def _codes() -> list[list[str]]:
    kinds = [kind for kind in _all(NotTaken) if issubclass(kind, NotTaken)]
    return sorted([code(kind.code), _sentence(kind)] for kind in kinds)


def _wholes() -> list[list[str]]:
    return [
        [code(kind.__name__), str(status), _sentence(kind)]
        for kind, status in sorted(
            turned_away.STATUS.items(), key=lambda item: (item[1], item[0].__name__)
        )
        if issubclass(kind, Refused)
    ]
