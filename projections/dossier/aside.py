"""What a dossier tells beside the facts, as its page shows it."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any, Final

import msgspec

from projections.dossier.beside import Erasing, Read, Refused
from projections.dossier.values import Values
from projections.dossier.words import WORDINGS, said, who
from projections.page import moment

_ROLES: Final = "role "


class Aside:
    """Writes it as HTML, in one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._words = WORDINGS[language]
        self._values = Values(language)

    def erasing(self, it: Erasing) -> str:
        """Tell how an erasure stands, with its certificate."""
        pairs = {
            "by": it.asked_by,
            "due_at": it.due_at if it.erased_at is None else None,
            "waits_for": it.waits_for,
            "erased_at": it.erased_at,
            "position": it.position,
            "refused": it.refused or None,
            "answers": it.answers or None,
            "erasure": it.erasure,
            "digest": it.digest,
        }
        told = "" if it.certificate is None else as_sent(it.certificate)
        return self._entry(it.requested_at, self._said("erasure", it.state), pairs, told)

    def refused(self, it: Refused) -> str:
        """Tell of a message that was not taken."""
        why = self._words.words.get(f"refused.{it.reason}") or it.detail
        words = self._words.words
        again = it.outcome and (words.get(f"refused.{it.outcome}") or it.outcome)
        pairs = {
            "resent_at": it.resent_at,
            "resent": words.get(f"resent.{it.outcome}") or again,
        }
        message = it.message
        told = (
            f'<span class="gone">{escape(self._words.withheld)}</span>'
            if message is None
            else f"<pre>{escape(message)}</pre>"
        )
        door = " · ".join(filter(None, (self._said("door", it.door), it.place)))
        came = self._by(f"{it.shop}/{it.source} · {door}", it.correlation)
        return self._entry(it.received_at, why, pairs, told + came)

    def read(self, it: Read) -> str:
        """Tell that somebody read the person's data."""
        basis: dict[str, Any] = {"basis": None if it.reason else it.basis}
        if it.basis.startswith(_ROLES):
            basis = {"roles": it.basis.removeprefix(_ROLES).split()}
        pairs = {"reason": it.reason, **basis, "count": it.count}
        whom = self._by(who(it.by, self._language), it.request)
        return self._entry(it.at, self._said("read", it.operation), pairs, whom)

    def _entry(self, at: datetime, what: str, pairs: Mapping[str, Any], more: str) -> str:
        return (
            f'<div class="timed">{moment(at, self._language)}<div><p>{escape(what)}</p>'
            f"{self._values.beside(pairs)}{more}</div></div>"
        )

    def _by(self, by: str, request: str) -> str:
        return f"<small>{escape(self._words.by_request.format(by=by, request=request))}</small>"

    def _said(self, name: str, value: str) -> str:
        return said(name, value, self._language)


def as_sent(message: Any) -> str:
    """Return JSON as it came, easier to read."""
    told = msgspec.json.format(msgspec.json.encode(message), indent=1)
    return f"<pre>{escape(told.decode())}</pre>"
