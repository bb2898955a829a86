"""What a dossier tells beside the facts: erasures, refused messages, who read the data."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from projections.by import By
from projections.sought import Sought


class Beside(Protocol):
    """Where it is kept. `refused`: messages that name somebody; `said`: what they said."""

    def erasures(self, identities: Sequence[UUID]) -> Sequence[Any]: ...
    def refused(self, shop: str, whom: Sought) -> Sequence[Any]: ...
    def said(self, refused: Sequence[Any]) -> Mapping[UUID, bytes]: ...
    def reads(self, identities: Sequence[UUID], refused: Collection[UUID]) -> Iterable[Any]: ...
    def originals(self, identities: Sequence[UUID], *, upto: int) -> Iterable[Any]: ...


class Erasing(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure that was asked for, as it stands: what it waits for, what became of it.

    `refused`, `answers`: how many were deleted. `certificate`: the signed one, whose `digest` the
    log has; None before there is one.
    """

    erasure: UUID
    asked_by: str
    requested_at: datetime
    due_at: datetime
    state: str
    waits_for: Sequence[str]
    erased_at: datetime | None
    position: int | None
    refused: int
    answers: int
    digest: str | None
    certificate: msgspec.Raw | None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A message that names the person and was not taken: why, where it came in, what it said.

    `reason` is a code, `detail` the sentence for it, `place` where the message stood, `correlation`
    its request. `message` None: it says of others too, and cannot be taken apart.
    """

    id: UUID
    received_at: datetime
    shop: str
    source: str
    door: str
    reason: str
    detail: str
    place: str | None
    correlation: str
    resent_at: datetime | None
    outcome: str | None
    message: str | None


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody read the person's data: what allowed it, why they said so, by which request.

    `count`: of an export, which may have held them, how much was in it; None where it was them.
    """

    at: datetime
    by: By
    operation: str
    basis: str
    reason: str | None
    request: str
    shop: str
    count: int | None


def erasing(it: Any) -> Erasing:
    """Return an erasure as it is told."""
    return Erasing(
        **_same(it, Erasing, "certificate"),
        certificate=None if it.proof is None else msgspec.Raw(it.proof),
    )


def refused(it: Any, message: bytes | None) -> Refused:
    """Return a refused message as it is told."""
    said = None if message is None else message.decode(errors="replace")
    return Refused(**_same(it, Refused, "message"), message=said)


def read(it: Any, names: Mapping[str, str]) -> Read:
    """Return a read as it is told; `names`: what actors are called, by their ids."""
    by = By(kind=it.actor_kind, id=it.actor_id, name=names.get(it.actor_id))
    return Read(**_same(it, Read, "by"), by=by)


def _same(it: Any, told: type[msgspec.Struct], other: str) -> dict[str, Any]:
    """Return what is told of something as it stands, all but one value."""
    return {name: getattr(it, name) for name in told.__struct_fields__ if name != other}
