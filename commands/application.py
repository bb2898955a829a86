"""The one door to the log: a command is decided on what is known, and kept whole or not at all."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from commands import campaign, coupon, customer, lifecycle, message, order, ticket
from commands.work import BULK_HANDLERS, HANDLERS, Command, Work, utc
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Idempotency, Log, Receipt, StreamMoved
from domain.shared.refusals import Conflict, Refused

NOUNS: Final = (customer, order, ticket, campaign, message, coupon, lifecycle)
"""Imported for the commands that they handle."""

TRIES: Final = 5

_encode: Final = msgspec.json.Encoder(decimal_format="string").encode


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, through which shop's channel, and because of what."""

    actor: Actor
    shop: str
    source: str
    correlation: str = ""
    causation: UUID | None = None


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """An Idempotency-Key as the log keeps it: its own digest, and that of the request."""

    key: bytes
    request: bytes


class Crm:
    """Decides commands. Safe to share between threads: what a command needs is its own."""

    def __init__(
        self,
        log: Log,
        ids: Ids,
        clock: Callable[[], datetime],
        fresh: Callable[[], UUID] = uuid4,
    ) -> None:
        """`clock` tells the time in UTC, `fresh` makes ids that nobody had before."""
        self.ids: Final = ids
        self._log: Final = log
        self._clock: Final = clock
        self._fresh: Final = fresh

    def dispatch(  # noqa: PLR0913  # a request has as many sides
        self,
        command: Command,
        *,
        actor: Actor,
        shop: str,
        source: str,
        correlation: str = "",
        causation: UUID | None = None,
        idempotency: str | None = None,
        if_match: int | None = None,
    ) -> Receipt:
        """Decide and wait until it is durable; the receipt's answer is JSON.

        `idempotency`: the same key of the same actor gives the same answer again. `if_match`: the
        version that the addressed root must have. Raises a Refused, nothing being recorded then
        (of a command in parts: nothing of the part that was refused).
        """
        asked = Asked(
            actor=actor, shop=shop, source=source, correlation=correlation, causation=causation
        )
        used = None if idempotency is None else self._used(command, asked, idempotency)
        if type(command) in BULK_HANDLERS:
            return self._do_parts(command, asked, used, if_match)
        receipt, answer = self._do(command, asked, used, if_match)
        if receipt.answer is None:
            return msgspec.structs.replace(receipt, answer=_encode(answer))
        return receipt

    def _do(
        self, command: Command, asked: Asked, used: Used | None, if_match: int | None
    ) -> tuple[Receipt, dict[str, Any]]:
        """Decide and append; when somebody else was first, look again and decide anew."""
        handler = HANDLERS[type(command)]
        occurred_at = command.occurred_at
        now = self._clock() if occurred_at is None else utc("occurred_at", occurred_at)
        for attempt in range(TRIES):
            work = Work(
                self._log,
                self.ids,
                self._fresh,
                shop=asked.shop,
                now=now,
                trusting=attempt == 0 and if_match is None,
                if_match=if_match,
            )
            try:
                answer = work.answer(handler(command, work))
            except Refused:
                # a repeated request may be refused for what it did itself the first time
                if used is not None and (again := self._log.answered(used.key, used.request)):
                    return again, {}
                raise
            if not work.drafts and used is None:
                return Receipt(position=None, recorded=0), answer
            try:
                return self._log.append(self._append(work, asked, used, answer)), answer
            except StreamMoved:
                continue
        raise Conflict

    def _do_parts(
        self, command: Command, asked: Asked, used: Used | None, if_match: int | None
    ) -> Receipt:
        """Do a command of many, part by part, each kept before the next is begun."""
        if used is not None and (again := self._log.answered(used.key, used.request)):
            return again
        receipts: list[Receipt] = []

        def each(part: Command) -> tuple[Receipt, dict[str, Any]]:
            receipt, answer = self._do(part, asked, None, if_match)
            receipts.append(receipt)
            return receipt, answer

        answer = _encode(BULK_HANDLERS[type(command)](command, each))
        if used is not None:
            done = Idempotency(key=used.key, request=used.request, answer=answer)
            self._log.append(self._nothing(asked, done))
        return Receipt(
            position=max((r.position for r in receipts if r.position is not None), default=None),
            recorded=sum(r.recorded for r in receipts),
            answer=answer,
        )

    def _append(
        self, work: Work, asked: Asked, used: Used | None, answer: dict[str, Any]
    ) -> Append:
        return Append(
            facts=tuple(work.drafts),
            actor=asked.actor,
            shop=asked.shop,
            source=asked.source,
            correlation=asked.correlation,
            causation=asked.causation,
            expected=work.expected,
            idempotency=None
            if used is None
            else Idempotency(key=used.key, request=used.request, answer=_encode(answer)),
        )

    def _nothing(self, asked: Asked, done: Idempotency) -> Append:
        return Append(
            facts=(), actor=asked.actor, shop=asked.shop, source=asked.source, idempotency=done
        )

    def _used(self, command: Command, asked: Asked, key: str) -> Used:
        whose = (asked.shop, asked.actor.kind, asked.actor.id, key)
        return Used(
            key=self.ids.content(b"idempotency\x1f" + "\x1f".join(whose).encode()),
            request=self.ids.content(_encode((type(command).__name__, command))),
        )
