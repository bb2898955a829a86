"""The page of facts: every stored name with its fields, from the classes themselves."""

import json
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from docs.generate.markdown import block, code, doc, document, table
from docs.generate.types import fields_of, parts_of
from domain.shared.events import FACTS, Stored

NOUNS: Final = (
    "customer",
    "order",
    "ticket",
    "campaign",
    "message",
    "coupon",
    "activity",
    "lifecycle",
    "key",
)

_GOLDEN: Final = Path(__file__).parents[2] / "tests" / "domain" / "golden"

_STREAMS: Final = {
    "customer": "Stream: the identity that it is about. A customer known by several identities has "
    "several streams.",
    "order": "Stream: the order.",
    "ticket": "Stream: the ticket.",
    "campaign": "Stream: the campaign; of `campaign.recipient-assigned`, the one recipient of the "
    "one campaign.",
    "message": "Stream: the one recipient of the one campaign, the same as its "
    "`campaign.recipient-assigned`.",
    "coupon": "Stream: the one use of the coupon; where a shop reported it, the customer.",
    "activity": "Stream: the message that a shop sent, derived from its source and `messageId`. It "
    "has one version, so it is recorded once.",
    "lifecycle": "Stream: the shop's policy.",
    "key": "Stream: the key, whose id is the actor of what is done with it. Neither its secret nor "
    "a digest of it is ever told.",
}

_ABOUT: Final = """
A fact is one row of the log. Its *type* is the stored name below, which never changes; its
*version* counts how often its fields did. The body is JSON. A field that has its default is left
out of the body.

**Personal** fields are sealed with the key of the fact's origin before they are written: in the
body stands `{"sealed": "..."}`. Whoever reads without the key gets `erased`.

Decimals are texts, so that no reader rounds them. Instants are ISO 8601 in UTC. Every fact has,
around its body, the columns of [the log](chain.md#the-columns): position, stream, shop, source,
origin, subject, occurred_at, recorded_at, actor, correlation and causation.
"""


def page() -> str:
    """Return the page of all facts."""
    for noun in NOUNS:
        import_module(f"domain.{noun}.events")
    parts = [_ABOUT, _contents()]
    for noun in NOUNS:
        parts += _noun(noun)
    parts.append("## Values\n\nWhat fields are made of.")
    parts += [_part(cls) for cls in _all_parts()]
    return document("Facts", *parts)


def facts_of(noun: str) -> list[Stored]:
    """Return the facts of a noun in the order of its story, as its module tells it."""
    return [stored for name, stored in FACTS.items() if name.partition(".")[0] == noun]


def _contents() -> str:
    rows = [
        [f"[{code(stored.name)}](#{_anchor(stored.name)})", doc(stored.cls).splitlines()[0]]
        for noun in NOUNS
        for stored in facts_of(noun)
    ]
    return table(["fact", "says"], rows)


def _noun(noun: str) -> list[str]:
    module = import_module(f"domain.{noun}.events")
    return [
        f"## {noun.capitalize()}\n\n{doc(module)}\n\n{_STREAMS[noun]}",
        *(_fact(stored) for stored in facts_of(noun)),
    ]


def _fact(stored: Stored) -> str:
    fields = [
        [code(f.name), f.type, f.default, "sealed" if f.personal else ""]
        for f in fields_of(stored.cls)
    ]
    parts = [
        f"### {stored.name}",
        f"Version {stored.version}. {doc(stored.cls)}",
        table(["field", "type", "default", "personal"], fields) or "It has no fields.",
        _sample(stored),
    ]
    return "\n\n".join(part for part in parts if part)


def _sample(stored: Stored) -> str:
    """Return the body of the golden sample, the proof that this version can be read for ever."""
    held = json.loads((_GOLDEN / f"{stored.name}.v{stored.version}.json").read_text("utf-8"))
    if not held["body"]:
        return ""
    body = json.dumps(_shortened(held["body"]), indent=2, ensure_ascii=False)
    return "As it is stored:\n\n" + block("json", body)


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"sealed"}:
            return {"sealed": value["sealed"][:16] + "…"}
        return {name: _shortened(part) for name, part in value.items()}
    return [_shortened(part) for part in value] if isinstance(value, list) else value


def _all_parts() -> list[type[Any]]:
    found: dict[type[Any], None] = {}
    for noun in NOUNS:
        for stored in facts_of(noun):
            found.update(dict.fromkeys(parts_of(stored.cls)))
    return sorted(found, key=lambda cls: cls.__name__)


def _part(cls: type[Any]) -> str:
    told = [f"### {cls.__name__}", doc(cls)]
    if issubclass(cls, Enum):
        told.append("One of " + ", ".join(code(member.value) for member in cls) + ".")
    elif issubclass(cls, msgspec.Struct):
        rows = [[code(f.name), f.type, f.default] for f in fields_of(cls)]
        told.append(table(["field", "type", "default"], rows))
    return "\n\n".join(told)


def _anchor(heading: str) -> str:
    return heading.replace(".", "").lower()
