"""Any view as of any instant: what facts known at a position say about an instant."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from domain.shared.hands import hand_of, hands_for
from domain.shared.log import Reader
from projections.projection import View
from projections.rows import Rows
from projections.runtime.replay import Blind, Replay, Whole


class AsOf:
    """Asks one view about instants, by folding the log anew in memory."""

    def __init__(self, view: View, reader: Reader, blind: Blind) -> None:
        self._view = view
        self._reader = reader
        self._blind = blind

    def one(self, subject: UUID, *, at: datetime, known_at: int) -> Rows:
        """Return one subject's complete rows, settled to exactly `at`, as known at a position.

        Counted are facts up to `known_at` that occurred at or before `at`, of every identity that
        was the customer's at that position. `subject` may be a stream of nobody's, as a campaign.
        """
        reader = self._reader
        replay = Replay(self._view, blind=self._blind)
        mine = reader.of_origins(reader.origins_of(subject, at=known_at), upto=known_at)
        nobodys = reader.of_nobody(upto=known_at)
        replay.fold_all(
            (
                (None if fact.subject is None else subject, fact)
                for fact in sorted((*mine, *nobodys), key=attrgetter("position"))
                if fact.occurred_at <= at
            ),
            mine=lambda s: s == subject,
        )
        rows = replay.rows.get(subject)
        if rows is None:
            rows = Whole(subject, blind=self._blind)
        rows.shared = replay.shared
        self._view.settle(rows, at)
        return rows

    def everybody(
        self,
        each: Callable[[Rows], None],
        *,
        at: datetime,
        known_at: int,
        progress: Callable[[float], None] = lambda _share: None,
    ) -> None:
        """Call `each` with everybody's complete rows, settled to exactly `at`, as known then."""
        hands = hands_for(known_at)
        dealt = self._reader.deal([0], 1, hands=hands, upto=known_at, depths=self._view.depths())
        for hand, chunks in enumerate(dealt):
            replay = Replay(self._view, blind=self._blind)

            def mine(subject: UUID, hand: int = hand) -> bool:
                return hand_of(subject, hands) == hand

            for chunk in chunks:
                replay.fold_all((told for told in chunk if told[1].occurred_at <= at), mine)
                done = chunk[-1][1].position / known_at
                progress((hand + done) / hands)
            replay.settle(at)
            for rows in replay.rows.values():
                each(rows)
