"""Who a customer is, and what they let us do."""

from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

import msgspec

from domain.customer.events import (
    Asker,
    ConsentGranted,
    ConsentWithdrawn,
    CustomerErased,
    CustomerRegistered,
    ErasureBegun,
    ErasureCancelled,
    ErasureCertified,
    ErasureRequested,
    Kind,
    KindStated,
    LegalHoldLifted,
    LegalHoldPlaced,
    NoteAdded,
    Person,
    PersonalDataRevealed,
    TagAdded,
    TagRemoved,
    TraitsAsserted,
)
from domain.shared.aggregate import Root
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.log import Who
from domain.shared.personal import Erased
from domain.shared.refusals import NotFound, Refused
from domain.shared.text import LONGEST_PROSE, text, text_of_nobody


class OtherNote(Refused):
    """Note {note} is there already and says something else; a note is not rewritten."""


class ErasedCustomer(Refused):
    """The customer asked to be forgotten, and is."""


class BeingForgotten(Refused):
    """The customer is being forgotten just now: it is too late to take that back or forbid it."""


class NotToBeForgotten(Refused):
    """Nobody asks any more that the customer be forgotten, or not by this identity."""


class HeldByLaw(Refused):
    """The law forbids to forget the customer for the time being."""


class NotErased(Refused):
    """The customer is not forgotten: there is nothing to certify."""


class Stage(IntEnum):
    """How far an erasure is; it never goes back, in whatever order its facts are met."""

    ASKED = 1
    CANCELLED = 2
    BEGUN = 3
    ERASED = 4
    CERTIFIED = 5


class Customer(Root):
    """A customer, over the streams of all identities that are theirs."""

    facts = ("customer",)

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.known = False
        self.registered = False
        self.kind: Kind | None = None
        self.person: dict[str, Any] = {}
        self.traits: dict[str, Any] = {}
        self.private: dict[str, Any] = {}
        self.consents: dict[tuple[Channel, str], str | None] = {}
        self.tags: set[str] = set()
        self.notes: dict[UUID, str | Erased] = {}
        self.erasures: dict[UUID, Stage] = {}
        self.begun: UUID | None = None
        self.erased = False
        self.hold: str | Erased | None = None

    def whose(self) -> Who:
        return Who(user=self.id)

    def register(self, shops_id: str | None = None) -> None:
        if not self.registered:
            self.record(CustomerRegistered(id=shops_id))

    def assert_traits(
        self, person: Person | None, traits: dict[str, Any], private: dict[str, Any]
    ) -> None:
        """Say what is known. Kept as said when any of it is new; `traits` stand in the clear."""
        self._must_be_known()
        if (
            (person is not None and _differ(self.person, _asserted(person)))
            or _differ(self.traits, traits)
            or _differ(self.private, private)
        ):
            self.record(TraitsAsserted(person=person, traits=traits, private=private or None))

    def state_kind(self, kind: Kind) -> None:
        self._must_be_known()
        if kind is not self.kind:
            self.record(KindStated(kind=kind))

    def grant_consent(self, channel: Channel, purpose: str, source: str, wording: str) -> None:
        """Agree to a wording; agreeing to a newer wording is news."""
        self._must_be_known()
        purpose = text_of_nobody("purpose", purpose)
        source = text("source", source)
        wording = text("wording", wording, longest=LONGEST_PROSE)
        if self.consents.get((channel, purpose)) != wording:
            self.record(
                ConsentGranted(channel=channel, purpose=purpose, source=source, wording=wording)
            )

    def withdraw_consent(self, channel: Channel, purpose: str, source: str, wording: str) -> None:
        """Take a consent back, or refuse one that was never asked for."""
        self._must_be_known()
        purpose = text("purpose", purpose)
        source = text("source", source)
        wording = text("wording", wording, longest=LONGEST_PROSE)
        if self.consents.get((channel, purpose), wording) is not None:
            self.record(
                ConsentWithdrawn(channel=channel, purpose=purpose, source=source, wording=wording)
            )

    def add_tag(self, tag: str) -> None:
        self._must_be_known()
        tag = text_of_nobody("tag", tag)
        if tag not in self.tags:
            self.record(TagAdded(tag=tag))

    def remove_tag(self, tag: str) -> None:
        self._must_be_known()
        tag = text("tag", tag)
        if tag in self.tags:
            self.record(TagRemoved(tag=tag))

    def add_note(self, note: UUID, words: str) -> None:
        self._must_be_known()
        words = text("text", words, longest=LONGEST_PROSE)
        if note not in self.notes:
            self.record(NoteAdded(note=note, text=words))
        elif self.notes[note] != words:
            raise OtherNote(note=note)

    def reveal(self, reason: str, fields: tuple[str, ...]) -> None:
        """Say that somebody is shown personal data; each time is news."""
        self._must_be_known()
        reason = text("reason", reason, longest=LONGEST_PROSE)
        self.record(PersonalDataRevealed(reason=reason, fields=fields))

    def meet(self) -> None:
        """Take for known somebody of whom the shop told without saying who it is: a guest."""
        self.known = True

    @property
    def erasure(self) -> UUID | None:
        """The erasure that the customer waits for, or underwent."""
        return self.begun or next(reversed(self._asked()), None)

    def request_erasure(self, erasure: UUID, by: Asker, due_at: datetime) -> None:
        if not self.known:
            raise NotFound(what="customer", id=self.id)
        if self.erasure is None:  # asked for once, it is under way
            self.record(ErasureRequested(erasure=erasure, by=by, due_at=due_at))

    def cancel_erasure(self) -> None:
        self._must_be_known()
        asked = self._asked()
        if self.begun or (not asked and Stage.BEGUN in self.erasures.values()):
            raise BeingForgotten
        for erasure in asked:  # a visitor's too, who was recognised
            self.record(ErasureCancelled(erasure=erasure))

    def begin_erasure(self, erasure: UUID, identities: tuple[UUID, ...]) -> None:
        """Say that keys are destroyed from now on, unless somebody or the law came before."""
        stage = self.erasures.get(erasure, Stage.CANCELLED)
        if stage is Stage.CANCELLED:
            raise NotToBeForgotten
        if stage is Stage.ASKED:
            if self.hold is not None:
                raise HeldByLaw
            self.record(ErasureBegun(erasure=erasure, identities=identities))

    def erase(self, erasure: UUID, identities: tuple[UUID, ...]) -> None:
        """Say that the keys are destroyed: it is said even if it was to be taken back just then."""
        if self.erasures.get(erasure, Stage.ASKED) < Stage.ERASED:
            self.record(CustomerErased(erasure=erasure, identities=identities))

    def certify_erasure(self, erasure: UUID, digest: str) -> None:
        stage = self.erasures.get(erasure, Stage.ASKED)
        if stage < Stage.ERASED:
            raise NotErased
        if stage is Stage.ERASED:
            self.record(ErasureCertified(erasure=erasure, digest=digest))

    def place_hold(self, reason: str) -> None:
        self._must_be_known()
        reason = text("reason", reason)
        if self.begun:
            raise BeingForgotten
        if self.hold != reason:
            self.record(LegalHoldPlaced(reason=reason))

    def lift_hold(self, reason: str) -> None:
        self._must_be_known()
        reason = text("reason", reason)
        if self.hold is not None:
            self.record(LegalHoldLifted(reason=None if self.begun else reason))

    def evolve(self, event: Event) -> None:
        self.known = True
        match event:
            case CustomerRegistered():
                self.registered = True
            case TraitsAsserted():
                self._evolve_traits(event)
            case KindStated(kind=kind):
                self.kind = kind
            case ConsentGranted():
                self.consents[event.channel, event.purpose] = event.wording
            case ConsentWithdrawn():
                self.consents[event.channel, event.purpose] = None
            case TagAdded(tag=tag):
                self.tags.add(tag)
            case TagRemoved(tag=tag):
                self.tags.discard(tag)
            case NoteAdded():
                self.notes[event.note] = event.text
            case _:
                self._evolve_erasure(event)

    def _evolve_erasure(self, event: Event) -> None:
        match event:
            case ErasureRequested(erasure=erasure):
                self._reach(erasure, Stage.ASKED)
            case ErasureCancelled(erasure=erasure):
                self._reach(erasure, Stage.CANCELLED)
            case ErasureBegun(erasure=erasure, identities=identities):
                self._reach(erasure, Stage.BEGUN)
                if self.id in identities:
                    self.begun = erasure
            case CustomerErased(erasure=erasure, identities=identities):
                self._reach(erasure, Stage.ERASED)
                if self.id in identities:
                    self.begun, self.erased = erasure, True
            case ErasureCertified(erasure=erasure):
                self._reach(erasure, Stage.CERTIFIED)
            case LegalHoldPlaced(reason=reason):
                self.hold = reason
            case LegalHoldLifted():
                self.hold = None

    def _reach(self, erasure: UUID, stage: Stage) -> None:
        self.erasures[erasure] = max(stage, self.erasures.get(erasure, stage))

    def _asked(self) -> list[UUID]:
        return [erasure for erasure, at in self.erasures.items() if at is Stage.ASKED]

    def _evolve_traits(self, event: TraitsAsserted) -> None:
        if isinstance(event.person, Person):
            self.person.update(_asserted(event.person))
        self.traits.update(event.traits)
        if isinstance(event.private, dict):
            self.private.update(event.private)

    def _must_be_known(self) -> None:
        if not self.known:
            raise NotFound(what="customer", id=self.id)
        if self.erased:
            raise ErasedCustomer


def _asserted(person: Person) -> dict[str, Any]:
    said = msgspec.structs.asdict(person)
    return {field: value for field, value in said.items() if value is not None}


def _differ(known: dict[str, Any], said: dict[str, Any]) -> bool:
    """Tell whether anything said is new; to take back what is not there is not."""
    return any(_present(known.get(name)) != _present(value) for name, value in said.items())


def _present(value: Any) -> Any:
    return None if value == "" else value
