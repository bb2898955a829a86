"""A dossier as one page to read on a phone and to print: nothing is loaded from elsewhere."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import datetime
from html import escape
from typing import Any, Final

import msgspec

from domain.shared.personal import ERASED
from projections.dossier.known import Identity, Known, Reason, Trait
from projections.dossier.lines import SECTIONS, Line, Source
from projections.dossier.words import WORDINGS, named
from projections.dossier.written import Story
from projections.words import word

_AT_ONCE: Final = 65_536
_HIDDEN: Final = frozenset({"content", "masked", "erased"})
"""Values that say nothing to the person: a digest, and how the record itself is shown."""

_STYLE: Final = """
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:0 auto;padding:1rem;color:#1a1a1a}
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.2rem;margin:2rem 0 .5rem;
border-bottom:1px solid #999;break-after:avoid}
ul{list-style:none;padding:0}li{margin:.6rem 0;break-inside:avoid}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:0 .8rem;margin:.2rem 0}
dt{color:#555}dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}
time{font-variant-numeric:tabular-nums}small{color:#555;display:block}
.erased{font-style:italic;color:#555}pre{white-space:pre-wrap;overflow-wrap:anywhere}
@media(max-width:30rem){dl{grid-template-columns:1fr}dt{margin-top:.3rem}}
@media print{body{max-width:none;padding:0;font-size:10pt}h2{break-inside:avoid}}
"""


def as_page(
    known: Known, story: Story, originals: Iterable[Any] | None
) -> Generator[str, None, None]:
    """Yield the page in the language of what is known; everything in it is escaped."""
    chunk: list[str] = []
    size = 0
    for part in _Page(known).parts(story, originals):
        chunk.append(part)
        size += len(part)
        if size >= _AT_ONCE:
            yield "".join(chunk)
            chunk.clear()
            size = 0
    yield "".join(chunk)


class _Page:
    def __init__(self, known: Known) -> None:
        self._known = known
        self._language = known.language
        self._words = WORDINGS[known.language]

    def parts(self, story: Story, originals: Iterable[Any] | None) -> Iterator[str]:
        known, words = self._known, self._words
        title = escape(words.title)
        yield (
            f'<!doctype html>\n<html lang="{self._language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title><style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n"
            f"<p>{escape(words.about.format(made_at=_instant(known.made_at)))}</p>\n"
        )
        if known.erased:
            yield f"<p>{escape(words.some_erased)}</p>\n"
        yield from self._section("profile", [self._pairs(_profile(known))])
        yield from self._section("identities", map(self._identity, known.identities))
        yield from self._section("traits", map(self._trait, known.traits))
        yield from self._section("standing", self._standing())
        rows = {"orders": known.orders, "tickets": known.tickets, "campaigns": known.campaigns}
        for section in SECTIONS:
            yield from self._section(section, self._told(rows.get(section, ()), story(section)))
        if known.unreadable:
            yield f"<h2>{escape(words.unreadable)}</h2><ul>"
            yield from (f"<li>{self._line(line)}</li>\n" for line in known.unreadable)
            yield "</ul>\n"
        if originals is not None:
            yield from self._section("originals", map(_as_sent, originals))
        yield "</body></html>\n"

    def _section(self, name: str, items: Iterable[str]) -> Iterator[str]:
        yield f"<h2>{escape(self._words.sections[name])}</h2>\n"
        before = "<ul>"
        for item in items:
            yield f"{before}<li>{item}</li>\n"
            before = ""
        yield "</ul>\n" if not before else f"<p>{escape(self._words.nothing)}</p>\n"

    def _told(self, rows: Iterable[Mapping[str, Any]], lines: Iterable[Line]) -> Iterator[str]:
        yield from map(self._pairs, rows)
        yield from map(self._line, lines)

    def _identity(self, identity: Identity) -> str:
        pairs = {
            "kind": identity.kind,
            "id": identity.id,
            "identity": identity.identity,
            "facts": identity.facts,
        }
        return self._pairs(pairs) + self._from(identity.because)

    def _trait(self, trait: Trait) -> str:
        value = self._words.taken_back if trait.value is None else trait.value
        return (
            f"{self._pairs({trait.field: value})}<small>{_time(trait.origin.occurred_at)}</small>"
            f"{self._from(trait.origin)}"
        )

    def _standing(self) -> Iterator[str]:
        for name, reason in (("stage", self._known.stage), ("tier", self._known.tier)):
            if reason is not None:
                yield self._reason(name, reason)

    def _reason(self, name: str, reason: Reason) -> str:
        pairs = self._pairs({name: reason.place, "since": reason.since})
        if reason.because is None:
            return f"{pairs}<small>{escape(self._words.time)}</small>"
        return pairs + self._line(reason.because)

    def _line(self, line: Line) -> str:
        return (
            f"<p>{_time(line.origin.occurred_at)} {escape(line.text)}</p>"
            f"{self._pairs(_of_thing(line))}{self._from(line.origin)}"
        )

    def _from(self, origin: Source | None) -> str:
        if origin is None:
            return ""
        told = self._words.from_whom.format(
            position=origin.position,
            source=f"{origin.shop}/{origin.source}",
            by=origin.by.name or origin.by.kind,
        )
        return f"<small>{escape(told)}</small>"

    def _pairs(self, values: Mapping[str, Any]) -> str:
        pairs = "".join(
            f"<dt>{escape(self._name(path))}</dt><dd>{self._value(path[-1], value)}</dd>"
            for path, value in _flat(values)
        )
        return f"<dl>{pairs}</dl>" if pairs else ""

    def _name(self, path: tuple[str, ...]) -> str:
        return " · ".join(named(name, self._language) for name in path)

    def _value(self, name: str, value: Any) -> str:
        if value is ERASED or value == ERASED.value:
            return f'<span class="erased">{escape(self._words.erased)}</span>'
        if isinstance(value, datetime):
            return _time(value)
        return escape(word(name, value, self._language))


def _profile(known: Known) -> dict[str, Any]:
    """Return what stands in the profile but who somebody is, which its traits tell."""
    if known.profile is None:
        return {"customer": known.customer}
    told = msgspec.structs.asdict(known.profile)
    return {k: v for k, v in told.items() if k not in {"person", "private", "traits"}}


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield what is known, each with the names that lead to it."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if inner is not None and name not in _HIDDEN:
                yield from _flat(inner, (*path, str(name)))
    elif isinstance(value, list | tuple | frozenset):
        for number, inner in enumerate(value, 1):
            nested = isinstance(inner, Mapping | msgspec.Struct)
            yield from _flat(inner, (*path, str(number)) if nested else path)
    else:
        yield path, value


def _of_thing(line: Line) -> dict[str, Any]:
    """Return what a fact says; the name of something is not called as a person's name is."""
    named = line.type.startswith("activity.")
    return {"what" if named and k == "name" else k: v for k, v in line.data.items()}


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _time(at: datetime) -> str:
    return f'<time datetime="{at.isoformat()}">{_instant(at)}</time>'


def _as_sent(original: Any) -> str:
    told = msgspec.json.format(msgspec.json.encode(original), indent=1)
    return f"<pre>{escape(told.decode())}</pre>"
