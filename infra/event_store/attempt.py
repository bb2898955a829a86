"""One try at committing a batch of appends, and what everybody is told of theirs."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from domain.customer.events import KnownByAnotherId
from domain.shared.events import Event
from domain.shared.log import Append, Receipt
from domain.shared.personal import KeyForgotten
from infra.event_store.plan import Outcome, Plan, Planned
from infra.event_store.state import State
from infra.event_store.waiting import Asker, Waiting, tell
from infra.sealing import PersonKeys

Answered = tuple[Asker, Receipt | Exception]
Nobodys = Callable[[Append, AbstractSet[UUID]], Append | None]
"""What is recorded instead of a message that is told in these streams of somebody forgotten."""

Original = tuple[int, UUID, str, str, bytes]
"""The position of a message's first fact, its origin, shop and source, and the message sealed."""


class Attempt:
    """One try at committing a batch; `sent` when its outcome may be durable; `seconds` it took."""

    def __init__(self, batch: list[Waiting], done: list[Answered] | None = None) -> None:
        self.batch = batch
        self.done: list[Answered] = done or []
        self.token = uuid4()
        self.plan = Plan(State())
        self.base = 0
        self.sent = False
        self.seconds = 0.0
        self.originals: list[Original] = []
        self.forgotten: set[UUID] = set()
        """Of whom the batch would say that they are somebody: those whose keys are destroyed."""
        self._bodies: dict[tuple[int, int, int | None], tuple[Any, bytes]] = {}

    @property
    def last(self) -> int:
        """The position of its last fact."""
        return self.base + len(self.plan.facts)

    def make_keys(self, keys: PersonKeys) -> None:
        """Have the keys of most people before anybody waits for us; planning finds the others."""
        self._bodies.clear()  # when it is tried again, a key that sealed some may be lost
        wanted: list[UUID] = []
        for append, _ in self.batch:
            last = None
            for draft in append.facts:
                who = draft.who
                if who is None:
                    continue
                whose = who.user or who.anonymous  # else it is whose the matter was before, mostly
                if whose is None or whose is last or not _needs_key(append, draft.event):
                    continue
                last = whose  # most facts of one append are the same person's
                wanted.append(whose)
        keys.ensure(wanted, relaxed=True)

    def plan_on(self, state: State, keys: PersonKeys, nobodys: Nobodys | None = None) -> bool:
        """Plan the batch and seal its facts; one that cannot be sealed is answered and left out.

        `nobodys`: what to record instead of what is about somebody forgotten. Returns False when
        one was left out or is recorded otherwise, or joins somebody forgotten to a customer: all
        must be planned anew, on a fresh state.
        """
        plan = self.plan = Plan(state, self.forgotten)
        for append, _ in self.batch:
            plan.add(append)
        # asked of the keys themselves: for what is cached a second too long, it stands for ever
        if plan.joined and (gone := keys.forgotten({identity for identity, *_ in plan.joined})):
            self.forgotten |= gone
            return False
        keys.ensure(
            [
                f.origin
                for f in plan.facts
                if f.origin is not None and _needs_key(f.append, f.event)
            ],
            relaxed=True,
        )
        if self._leave_out(*self._told_by_the_forgotten(keys, nobodys)):
            return False  # whose a matter is that one of them would have begun, is open again
        bad: dict[int, Exception] = {}
        for fact in plan.facts:
            try:
                self._seal(fact, keys)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is that append's
                bad[id(fact.append)] = error
        return not self._leave_out(bad, self._told_of_the_forgotten(keys, nobodys))

    def seal_originals(self, moment: datetime, keys: PersonKeys) -> bool:
        """Seal the messages that facts were told by, after `base`.

        One whose person was forgotten is answered and left out: then it returns False, and all must
        be planned anew, on a fresh state.
        """
        month = f"{moment:%Y-%m}"
        self.originals = []
        bad: dict[int, Exception] = {}
        for outcome in self.plan.outcomes:
            append, origin = outcome.append, outcome.original
            if append.message is None or outcome.error or outcome.receipt or origin is None:
                continue
            message, shop, source = append.message, append.shop, append.source
            try:
                sealed = keys.seal_original(
                    origin, message.id, message.original, shop, source, month
                )
            except KeyForgotten as error:
                bad[id(append)] = error
            else:
                position = self.base + outcome.start + 1
                self.originals.append((position, origin, shop, source, sealed))
        return not self._leave_out(bad, {})

    def _leave_out(self, bad: Mapping[int, Exception], taken: Mapping[int, Append]) -> bool:
        """Answer some appends that they are bad, take others instead of some; say if there are any.

        Both are named by the `id` of what was asked.
        """
        if not (bad or taken):
            return False
        batch, self.batch = self.batch, []
        for append, asker in batch:
            name = id(append)
            if name in taken:
                self.batch.append((taken[name], asker))
            elif name in bad:
                self.done.append((asker, bad[name]))
            else:
                self.batch.append((append, asker))
        return True

    def _told_by_the_forgotten(
        self, keys: PersonKeys, nobodys: Nobodys | None
    ) -> tuple[dict[int, Exception], dict[int, Append]]:
        """Return what those ask who were forgotten: what is refused, and what is taken instead."""
        bad = self._begun_for_the_forgotten(keys)
        taken: dict[int, Append] = {}
        tellers = [(o.original, o.append) for o in self.plan.outcomes if o.original is not None]
        gone = keys.gone([teller for teller, _ in tellers])
        for append in [append for teller, append in tellers if gone and teller in gone]:
            assert append.message is not None  # only messages have an original
            told = None if nobodys is None else nobodys(append, {append.message.id})
            if told is None:
                bad[id(append)] = KeyForgotten()
            else:
                taken[id(append)] = told
        return bad, taken

    def _told_of_the_forgotten(
        self, keys: PersonKeys, nobodys: Nobodys | None
    ) -> dict[int, Append]:
        """Return what is taken instead of what others tell of matters of somebody forgotten."""
        others = self.plan.of_others
        gone = keys.gone([fact.origin for fact in others if fact.origin is not None])
        if nobodys is None or not gone:
            return {}
        theirs: dict[int, tuple[Append, set[UUID]]] = {}
        for fact in others:
            if fact.origin in gone and fact.append.message is not None:
                theirs.setdefault(id(fact.append), (fact.append, set()))[1].add(fact.stream)
        told = {name: nobodys(append, streams) for name, (append, streams) in theirs.items()}
        return {name: append for name, append in told.items() if append is not None}

    def _begun_for_the_forgotten(self, keys: PersonKeys) -> dict[int, Exception]:
        """Return commands that begin anything for somebody forgotten, though they seal nothing."""
        begun = [
            fact
            for outcome in self.plan.outcomes
            if outcome.append.message is None
            for fact in self.plan.facts[outcome.start : outcome.end]
            if _is_begun(fact)
        ]
        whose = {fact.origin for fact in begun if fact.origin is not None}
        gone = keys.forgotten(whose) if whose else whose
        return {id(fact.append): KeyForgotten() for fact in begun if fact.origin in gone}

    def _seal(self, fact: Planned, keys: PersonKeys) -> None:
        event, stream, origin = fact.event, fact.stream, fact.origin
        name = (id(event), stream.int, None if origin is None else origin.int)
        held = self._bodies.get(name)
        if held is None:
            body = event.stored.encode(event, stream, origin, keys)
            held = self._bodies[name] = (event, body)  # the event is held: its id stays its own
        fact.body = held[1]

    def answer(self) -> None:
        """Tell everybody what became of theirs."""
        for (_, future), outcome in zip(self.batch, self.plan.outcomes, strict=True):
            self.done.append(
                (future, outcome.error or outcome.receipt or receipt_of(outcome, self.base))
            )
        done, self.done = self.done, []
        tell(done)

    def fail(self, error: Exception) -> None:
        """Tell everybody that nothing of theirs was recorded, and why."""
        self.done.extend((future, error) for _, future in self.batch)
        self.batch, self.plan = [], Plan(State())
        self.answer()


def receipt_of(outcome: Outcome, base: int) -> Receipt:
    """Return the receipt of facts that were recorded after position `base`."""
    recorded = outcome.end - outcome.start
    told = outcome.append.idempotency
    return Receipt(
        position=base + outcome.end if recorded else None,
        recorded=recorded,
        answer=told.answer if told is not None else None,
    )


def _needs_key(append: Append, event: Event) -> bool:
    """Tell whether anything of an event, or of the message that it is from, will be sealed."""
    message = append.message
    return (message is not None and message.original != b"") or any(
        getattr(event, name) is not None for name in event.stored.personal
    )


def _is_begun(fact: Planned) -> bool:
    """Tell whether a fact begins something of somebody's: an order, say, or that one is theirs."""
    return (fact.version == 1 and fact.stream != fact.origin) or isinstance(
        fact.event, KnownByAnotherId
    )
