"""What certificates of erasures say: counted for many at once, told of each alone."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from infra.epochs import standing
from infra.erasure_certificate import CertifiedErasure, DestroyedKey
from infra.erasures import Erasure
from infra.postgres import Connection
from projections.runtime.emptying import Emptied

_KEYS: Final = """
select identity, generation::int4, epoch, forgotten_at from keeper.person_key
where identity = any(%s) and wrapped is null
"""
_FACTS: Final = """
select origin, count(*), min(position), max(position) from log.fact
where origin = any(%s) group by origin
"""
_ORIGINALS: Final = "select origin, count(*) from log.original where origin = any(%s) group by 1"


class KeysRemain(Exception):
    """Keys of somebody who was erased are still there."""


class Found(NamedTuple):
    """What there is of people, by identity: destroyed keys, facts, messages as they were sent."""

    keys: Mapping[UUID, DestroyedKey]
    facts: Mapping[UUID, tuple[int, int, int]]
    originals: Mapping[UUID, int]
    columns: Emptied
    epoch: int

    @classmethod
    def of(
        cls, log: Connection, keeper: Connection, identities: Collection[UUID], columns: Emptied
    ) -> "Found":
        def asked(connection: Connection, query: str) -> Sequence[Any]:
            return connection.execute(query.encode(), (list(identities),)).fetchall()

        return cls(
            keys={
                i: DestroyedKey(identity=i, generation=g, epoch=e, destroyed_at=at)
                for i, g, e, at in asked(keeper, _KEYS)
            },
            facts={i: (count, first, last) for i, count, first, last in asked(log, _FACTS)},
            originals=dict(asked(log, _ORIGINALS)),
            columns=columns,
            epoch=standing(keeper).epoch,
        )

    def certified(
        self, erasure: Erasure, identities: Sequence[UUID], installation: str, at: datetime
    ) -> CertifiedErasure:
        """Return what is certified of one erasure. Raises KeysRemain."""
        assert erasure.erased_at is not None
        assert erasure.position is not None
        if not self.keys.keys() >= set(identities):
            raise KeysRemain(KeysRemain.__doc__)
        facts = [self.facts[it] for it in identities if it in self.facts]
        return CertifiedErasure(
            installation=installation,
            erasure=erasure.erasure,
            customer=erasure.customer,
            shop=erasure.shop,
            asked_by=erasure.asked_by,
            requested_at=erasure.requested_at,
            due_at=erasure.due_at,
            erased_at=erasure.erased_at,
            position=erasure.position,
            keys=[self.keys[it] for it in sorted(identities)],
            facts=sum(count for count, _, _ in facts),
            originals=sum(self.originals.get(it, 0) for it in identities),
            first=min((first for _, first, _ in facts), default=0),
            last=max((last for _, _, last in facts), default=0),
            columns={
                column: sum(rows.get(it, 0) for it in identities)
                for column, rows in self.columns.items()
            },
            refused=erasure.refused,
            answers=erasure.answers,
            epoch=self.epoch,
            made_at=at,
        )
