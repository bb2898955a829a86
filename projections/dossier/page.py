"""A dossier as one page to read on a phone and to print: nothing is loaded from elsewhere."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import datetime
from html import escape
from typing import Any, Final

import msgspec

from projections.dossier.aside import Aside, as_sent
from projections.dossier.known import Identity, Reason, Trait
from projections.dossier.lines import SECTIONS, Line, Source
from projections.dossier.making import Dossier
from projections.dossier.values import Values
from projections.dossier.words import WORDINGS, who
from projections.page import CLOSING, moment, opening
from projections.words import word

_AT_ONCE: Final = 65_536


def as_page(made: Dossier, *, originals: bool) -> Generator[str, None, None]:
    """Yield the page in the language of what is known; everything in it is escaped."""
    chunk: list[str] = []
    size = 0
    for part in _Page(made).parts(originals=originals):
        chunk.append(part)
        size += len(part)
        if size >= _AT_ONCE:
            yield "".join(chunk)
            chunk.clear()
            size = 0
    yield "".join(chunk)


class _Page:
    def __init__(self, made: Dossier) -> None:
        self._made = made
        self._known = made.known
        self._language = made.known.language
        self._words = WORDINGS[self._language]
        self._values = Values(self._language)

    def parts(self, *, originals: bool) -> Iterator[str]:
        made, known, words = self._made, self._known, self._words
        aside = Aside(self._language)
        yield opening(words.title, self._language)
        yield f"<p>{escape(words.about).format(made_at=self._time(known.made_at))}</p>\n"
        if known.forgotten_at is not None:
            yield f"<p>{escape(words.forgotten).format(at=self._time(known.forgotten_at))}</p>\n"
        elif known.erased:
            yield f"<p>{escape(words.some_erased)}</p>\n"
        yield self._contents(originals=originals)
        if made.erasures:
            yield from self._section("erasures", map(aside.erasing, made.erasures))
        yield from self._section("profile", [self._profile()])
        yield from self._section("identities", map(self._identity, known.identities))
        yield from self._section("traits", map(self._trait, known.traits))
        yield from self._section("standing", self._standing())
        rows = {"orders": known.orders, "tickets": known.tickets, "campaigns": known.campaigns}
        for section in SECTIONS:
            yield from self._section(
                section, self._told(rows.get(section, ()), made.story(section))
            )
        yield from self._section("refused", map(aside.refused, made.refused()))
        yield from self._section("reads", map(aside.read, made.reads()))
        if known.unreadable:
            yield from self._section("unreadable", map(self._line, known.unreadable))
        if originals:
            yield from self._section("originals", map(as_sent, made.originals()))
        yield CLOSING

    def _contents(self, *, originals: bool) -> str:
        """Lead to each part that there is."""
        there = {
            "erasures": bool(self._made.erasures),
            "unreadable": bool(self._known.unreadable),
            "originals": originals,
        }
        parts = "".join(
            f'<li><a href="#{name}">{escape(heading)}</a></li>'
            for name, heading in self._words.sections.items()
            if there.get(name, True)
        )
        return f'<nav aria-label="{escape(self._words.contents)}"><ul>{parts}</ul></nav>\n'

    def _section(self, name: str, items: Iterable[str]) -> Iterator[str]:
        yield f'<section id="{name}"><h2>{escape(self._words.sections[name])}</h2>\n'
        before = '<ul class="entries">'
        for item in items:
            yield f"{before}<li>{item}</li>\n"
            before = ""
        yield "</ul>\n" if not before else f"<p>{escape(self._words.nothing)}</p>\n"
        yield "</section>\n"

    def _profile(self) -> str:
        """Tell what stands in the profile but who somebody is, which its traits tell."""
        known = self._known
        if known.profile is None:
            return self._values.list({"customer": known.customer})
        told = msgspec.structs.asdict(known.profile)
        shown = {k: v for k, v in told.items() if k not in {"person", "private", "traits"}}
        return self._values.list({**shown, "consents": self._allowed(shown["consents"])})

    def _allowed(self, consents: Iterable[str]) -> list[str]:
        """Say `sms:offers` in words."""
        each = (consent.partition(":") for consent in consents)
        return [f"{word('channel', by, self._language)}: {what}" for by, _, what in each]

    def _told(self, rows: Iterable[Mapping[str, Any]], lines: Iterable[Line]) -> Iterator[str]:
        for row in rows:
            yield self._values.beside(_of_thing(row, "thing"))
        yield from map(self._line, lines)

    def _identity(self, identity: Identity) -> str:
        pairs = {
            "kind": identity.kind,
            "id": identity.id,
            "identity": identity.identity,
            "facts": identity.facts,
        }
        return self._values.beside(pairs) + self._from(identity.because)

    def _trait(self, trait: Trait) -> str:
        value = self._words.taken_back if trait.value is None else trait.value
        said = f"{self._time(trait.origin.occurred_at)} · "
        return self._values.list({trait.field: value}) + self._from(trait.origin, said)

    def _standing(self) -> Iterator[str]:
        for name, reason in (("stage", self._known.stage), ("tier", self._known.tier)):
            if reason is not None:
                yield self._reason(name, reason)

    def _reason(self, name: str, reason: Reason) -> str:
        pairs = self._values.list({name: reason.place, "since": reason.since})
        if reason.because is None:
            return f"{pairs}<small>{escape(self._words.time)}</small>"
        return pairs + self._line(reason.because)

    def _line(self, line: Line) -> str:
        called = "what" if line.type.startswith("activity.") else "thing"
        return (
            f'<div class="timed">{self._time(line.origin.occurred_at)}<div>'
            f"<p>{escape(line.text)}</p>{self._values.beside(_of_thing(line.data, called))}"
            f"{self._from(line.origin)}</div></div>"
        )

    def _from(self, origin: Source | None, before: str = "") -> str:
        if origin is None:
            return ""
        told = self._words.from_whom.format(
            position=f"{origin.position:,}",
            source=f"{origin.shop}/{origin.source}",
            by=who(origin.by, self._language),
        )
        return f"<small>{before}{escape(told)}</small>"

    def _time(self, at: datetime) -> str:
        return moment(at, self._language)


def _of_thing(values: Mapping[str, Any], called: str) -> Mapping[str, Any]:
    """Return what is said of a thing; its name is not called as a person's name is."""
    return {called if name == "name" else name: value for name, value in values.items()}
