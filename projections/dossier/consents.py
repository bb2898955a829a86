"""A customer's consents: what holds now, and each change that led to it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from domain.customer.events import ConsentGranted, ConsentWithdrawn
from domain.shared.channel import Channel
from domain.shared.events import Fact
from domain.shared.personal import Erased
from projections.dossier.lines import Source, Teller


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A consent that was granted or withdrawn: where the customer said so, and what they read.

    `source` is the form, letter or call by which they did; `origin` tells how we know.
    """

    channel: Channel
    purpose: str
    granted: bool
    source: str | Erased
    wording: str
    origin: Source


class Consents(msgspec.Struct, frozen=True, kw_only=True):
    """`now`: the last change of each channel and purpose. `history`: all of them, oldest first."""

    customer: UUID
    now: Sequence[Change]
    history: Sequence[Change]


def consents_of(
    customer: UUID, facts: Iterable[Fact], teller: Teller, *, closed: str | None = None
) -> Consents:
    """Return the consents that facts tell of. Of two at one instant the withdrawal holds.

    `closed`: what stands for each source, where who asks may not see it.
    """
    told = sorted(facts, key=_said_at)
    history = [_change(fact, teller, closed) for fact in told]
    last = {(change.channel, change.purpose): change for change in history}
    return Consents(customer=customer, now=[last[key] for key in sorted(last)], history=history)


def _said_at(fact: Fact) -> tuple[object, ...]:
    return fact.occurred_at, isinstance(fact.event, ConsentWithdrawn), fact.position


def _change(fact: Fact, teller: Teller, closed: str | None) -> Change:
    event = fact.event
    assert isinstance(event, ConsentGranted | ConsentWithdrawn)
    return Change(
        channel=event.channel,
        purpose=event.purpose,
        granted=isinstance(event, ConsentGranted),
        source=event.source if closed is None else closed,
        wording=event.wording,
        origin=teller.source(fact),
    )
