"""A keeper: one view in one worker, for the slots that the worker holds at the moment."""

from collections.abc import Collection, Mapping, Sequence
from time import monotonic
from typing import Final

import psycopg
import structlog

from domain.shared.events import Fact
from domain.shared.log import Reader
from domain.shared.personal import Sealer
from domain.shared.refusals import UnreadableFact
from infra.postgres import Connection
from projections.projection import View, slot_of
from projections.runtime.batch import Goal, Place, Poisoned
from projections.runtime.live import LiveView, Moved, Outdated
from projections.runtime.schema import OtherSlots
from projections.runtime.sweep import Sweeper

RETRY_SECONDS: Final = 60.0
"""After this long a slot that stopped is tried again."""

SWEEP_SECONDS: Final = 1.0

log = structlog.get_logger()


class LogWentBack(Exception):
    """The log ends before what this view has seen: it was restored; rebuild the view."""


class Keeper:
    """Keeps one view live. A slot whose fact cannot be folded stops; the others go on."""

    def __init__(
        self, connection: Connection, view: View, sealer: Sealer, reader: Reader, slots: int
    ) -> None:
        self.view = view
        self._connection = connection
        self._live = LiveView(connection, view, sealer, reader, slots)
        self._sweeper = Sweeper(connection, self._live)
        self._held: Collection[int] = ()
        self._places: dict[int, Place] = {}
        self._stopped: dict[int, float] = {}
        self._troubled: dict[int, int] = {}
        self._swept = 0.0
        self._asked = 0.0

    def hold(self, slots: Collection[int]) -> None:
        """Take these slots, and let go of others."""
        if set(slots) != set(self._held):
            self._held = set(slots)
            self.look()

    def look(self) -> None:
        """Ask which generation is served and where its slots are."""
        self._asked = monotonic()
        try:
            self._live.attach()
        except Outdated:
            log.warning("view.needs-rebuild", view=self.view.name, version=self.view.version)
            self._places = {}
            return
        self._check_slots()
        self._places = self._live.places(self._held)
        found = self._connection.execute(
            "select slot, coalesce(position, 0) from views.trouble where view = %s",
            (self.view.name,),
        )
        self._troubled = dict(found.fetchall())

    def _check_slots(self) -> None:
        """Raise OtherSlots when customers are dealt into another number of slots by now.

        Asked of what is served at this moment: another generation may have been swapped in.
        """
        row = self._connection.execute(
            "select slots from huike.freshness where view = %s", (self.view.name,)
        ).fetchone()
        if row != (self._live.slots,):
            raise OtherSlots(OtherSlots.__doc__)

    def places(self) -> Mapping[int, Place]:
        """Return the places of the slots that can go on."""
        now = monotonic()
        if not self._places and self._held and now - self._asked > RETRY_SECONDS / 12:
            self.look()
        for slot in [s for s, since in self._stopped.items() if now - since > RETRY_SECONDS]:
            del self._stopped[slot]
        return {s: p for s, p in self._places.items() if s not in self._stopped}

    def apply(self, facts: Sequence[Fact], goals: Mapping[int, Goal]) -> int:
        """Bring slots to their goals as far as they can be; return how many facts were folded."""
        todo = {s: g for s, g in goals.items() if s in self._places and s not in self._stopped}
        while todo:
            places = {slot: self._places[slot] for slot in todo}
            try:
                applied = self._live.apply(facts, places, todo)
            except Moved:
                log.info("view.moved", view=self.view.name)
                self.look()
                return 0
            except Poisoned as poisoned:
                _unless_lost(poisoned)
                todo = self._without(poisoned, facts, todo)
                continue
            except psycopg.OperationalError:
                raise  # the server's trouble, not the facts'
            except Exception as error:  # noqa: BLE001  # rows that cannot be written, say: whose?
                todo = self._isolated(facts, todo, error)
                continue
            self._places.update(applied.places)
            self._mended(applied.places)
            return applied.facts
        return 0

    def _isolated(
        self, facts: Sequence[Fact], goals: dict[int, Goal], error: Exception
    ) -> dict[int, Goal]:
        """Find the slot and the fact that fail, by halves, and stop there; return what is left."""
        if len(goals) > 1:
            for slot, goal in goals.items():
                self.apply(facts, {slot: goal})
            return {}
        ((slot, goal),) = goals.items()
        seen = self._places[slot].position
        mine = [f for f in facts if seen < f.position <= goal.position and self._is_of(slot, f)]
        if len(mine) <= 1:
            fact = mine[0] if mine else None
            whose = fact.subject if fact else None
            return self._without(Poisoned(slot, whose, fact, error), facts, goals)
        half = mine[len(mine) // 2 - 1]
        self.apply(facts, {slot: Goal(position=half.position, clock=half.recorded_at)})
        return {} if slot in self._stopped else goals

    def _is_of(self, slot: int, fact: Fact) -> bool:
        return fact.subject is None or slot_of(fact.subject, self._live.slots) == slot

    def check(self, head: int) -> None:
        """Stop slots that have seen more than the log holds: it is an older one, restored."""
        for slot, place in self.places().items():
            if place.position > head:
                cause = LogWentBack(LogWentBack.__doc__)
                self._stop(Poisoned(slot, None, None, cause))

    def sweep(self) -> bool:
        """Let time pass for rows whose hour has come; say whether there may be more."""
        now = monotonic()
        if self.view.due is None or not self._places or now - self._swept < SWEEP_SECONDS:
            return False
        places = self.places()
        try:
            if self._sweeper.walk(places) or self._sweeper.sweep(places):
                return True
        except Moved:
            self.look()
        except Poisoned as poisoned:
            _unless_lost(poisoned)
            self._stop(poisoned)
        except psycopg.OperationalError:
            raise
        except Exception as error:
            log.exception("view.not-swept", view=self.view.name, why=str(error))
            now += RETRY_SECONDS
        self._swept = now
        return False

    def _without(
        self, poisoned: Poisoned, facts: Sequence[Fact], goals: dict[int, Goal]
    ) -> dict[int, Goal]:
        """Return the goals with the poisoned slot's just before the fact that it cannot fold."""
        self._stop(poisoned)
        slot, rest = poisoned.slot, dict(goals)
        del rest[slot]
        before = [f for f in facts if poisoned.fact and f.position < poisoned.fact.position]
        if before and before[-1].position > self._places[slot].position:
            last = before[-1]
            rest[slot] = Goal(position=last.position, clock=last.recorded_at)
        return rest

    def _stop(self, poisoned: Poisoned) -> None:
        """Write down where and why a slot stopped."""
        fact, why = poisoned.fact, str(poisoned)
        self._stopped[poisoned.slot] = monotonic()
        self._troubled[poisoned.slot] = fact.position if fact else 0
        log.error(
            "view.stopped",
            view=self.view.name,
            slot=poisoned.slot,
            position=fact.position if fact else None,
            why=why,
            exc_info=None if isinstance(poisoned.cause, UnreadableFact) else poisoned.cause,
        )
        self._connection.execute(
            "insert into views.trouble (view, version, slot, position, subject, type, why) "
            "values (%s, %s, %s, %s, %s, %s, %s) on conflict (view, slot) do update set "
            "version = excluded.version, position = excluded.position, type = excluded.type, "
            "subject = excluded.subject, why = excluded.why, at = clock_timestamp()",
            (
                self.view.name,
                self.view.version,
                poisoned.slot,
                fact.position if fact else None,
                poisoned.subject,
                fact.type if fact else None,
                why,
            ),
        )

    def _mended(self, places: Mapping[int, Place]) -> None:
        """Forget the trouble of slots that have passed it."""
        mended = [
            slot
            for slot, position in self._troubled.items()
            if slot in places and slot not in self._stopped and places[slot].position >= position
        ]
        if mended:
            self._connection.execute(
                "delete from views.trouble where view = %s and slot = any(%s)",
                (self.view.name, mended),
            )
            for slot in mended:
                del self._troubled[slot]


def _unless_lost(poisoned: Poisoned) -> None:
    """Raise what is the server's trouble (a past that could not be read), not the fact's."""
    if isinstance(poisoned.cause, psycopg.OperationalError):
        raise poisoned.cause
