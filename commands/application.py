"""The one door to the log: a command is decided on what is known, and kept whole or not at all."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import msgspec
from eventsourcing.application import Application, Repository
from eventsourcing.persistence import InfrastructureFactory, IntegrityError, Recording
from eventsourcing.utils import Environment, EnvType

from commands import campaign, coupon, customer, erasure, key, lifecycle, message, order, ticket
from commands.work import BULK_HANDLERS, HANDLERS, Command, Projector, Work, utc
from domain.customer.aggregate import Customer
from domain.shared.aggregate import Decided, Root
from domain.shared.events import readable
from domain.shared.ids import Ids
from domain.shared.log import Actor, Asked, Idempotency, Log, Receipt
from domain.shared.refusals import Conflict, Refused

NOUNS: Final = (customer, erasure, order, ticket, campaign, message, coupon, lifecycle, key)
"""Imported for the commands that they handle."""

R = TypeVar("R", bound=Root)

TRIES: Final = 25
"""Of so many who change one thing at once, each has their way."""

_encode: Final = msgspec.json.Encoder(decimal_format="string").encode


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """An Idempotency-Key as the log keeps it: its own digest, and that of the request."""

    key: bytes
    request: bytes


class Crm(Application[UUID]):
    """Decides commands. Safe to share between threads: what a command needs is its own.

    An application of the library `eventsourcing`: its repository, notification log and
    subscriptions read our log, and `save` writes it.
    """

    name = "huike"
    log_section_size = 1_000

    def __init__(
        self,
        infrastructure: InfrastructureFactory[Any],
        log: Log,
        ids: Ids,
        clock: Callable[[], datetime],
        fresh: Callable[[], UUID] = uuid4,
    ) -> None:
        """`infrastructure` stands on `log`; its recorder of "customers" selects all their streams.

        `clock` tells the time in UTC, `fresh` makes ids that nobody had before.
        """
        self.ids: Final = ids
        self._infrastructure: Final = infrastructure
        self._log: Final = log
        self._clock: Final = clock
        self._fresh: Final = fresh
        super().__init__()
        of_customers = self.factory.aggregate_recorder("customers")
        self._customers: Final = Repository[UUID](
            self.factory.event_store(self.mapper, of_customers)
        )

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Leave out the process's environment: it must not change how facts are kept."""
        return Environment(name, env)

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:  # noqa: ARG002  # it is made already
        return self._infrastructure

    def save(self, *objs: Any, **kwargs: Any) -> list[Recording[UUID]]:
        """Record what roots decided, in one append: whole, or not at all.

        `objs`: roots, or what they decided. `kwargs`: what the recorder's insert_events takes,
        `asked` at least. Raises IntegrityError when a stream has moved, and what Log.append does.
        """
        decided: list[Decided] = []
        for obj in objs:
            # known by class: to ask the library's protocols takes 30 µs an object
            if isinstance(obj, Decided):
                decided.append(obj)
            else:
                decided.extend(obj.collect_events())
        if "occurred_at" not in kwargs:
            kwargs["occurred_at"] = self._clock()
        recordings = self.events.put(decided, **kwargs)
        self._notify(recordings)
        return recordings

    def recall(self, kind: type[R], id: UUID, project: Projector[R]) -> R:
        repository = self._customers if kind is Customer else self.repository
        return repository.get(id, projector_func=project)

    def recall_many(self, kind: type[R], ids: Sequence[UUID]) -> Mapping[UUID, R]:
        roots = {}
        for stream, facts in self._log.streams(ids).items():
            roots[stream] = root = kind.after(stream, (f.event for f in readable(facts)))
            root.version, root.shop = facts[-1].version, facts[0].shop
            root.origin = facts[0].origin
        return roots

    def customer_of(self, identity: UUID) -> UUID:
        return self._log.customer_of(identity)

    def shop_of(self, identity: UUID) -> str | None:
        return self._log.shop_of(identity)

    def forgotten(self, identities: Collection[UUID]) -> set[UUID]:
        return self._log.forgotten(identities)

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
        anywhere: bool = False,
    ) -> Receipt:
        """Decide and wait until it is durable; the receipt's answer is JSON.

        `idempotency`: the same key of the same actor gives the same answer again. `if_match`: the
        version that the addressed root must have. `anywhere`: what is another shop's is not taken
        for unknown. Raises a Refused, nothing being recorded then (of a command in parts: nothing
        of the part that was refused).
        """
        asked = Asked(
            actor=actor,
            shop=shop,
            source=source,
            correlation=correlation,
            causation=causation,
            anywhere=anywhere,
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
                self,
                self.ids,
                self._fresh,
                shop=asked.shop,
                now=now,
                trusting=attempt == 0 and if_match is None,
                if_match=if_match,
                anywhere=asked.anywhere,
            )
            try:
                answer = work.answer(handler(command, work))
            except Refused:
                # a repeated request may be refused for what it did itself the first time
                if used is not None and (again := self._log.answered(used.key, used.request)):
                    return again, {}
                raise
            if not work.decided and used is None:
                return Receipt(position=None, recorded=0), answer
            try:
                return self._keep(work, asked, used, answer), answer
            except IntegrityError:
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

        answer = BULK_HANDLERS[type(command)](command, each)
        if used is not None:
            self._keep(None, asked, used, answer)
        return Receipt(
            position=max((r.position for r in receipts if r.position is not None), default=None),
            recorded=sum(r.recorded for r in receipts),
            answer=_encode(answer),
        )

    def _keep(
        self, work: Work | None, asked: Asked, used: Used | None, answer: Mapping[str, Any]
    ) -> Receipt:
        """Save what was decided, if anything was, and the answer under its key."""
        receipts: list[Receipt] = []
        self.save(
            *(work.decided if work else ()),
            asked=asked if work is None else msgspec.structs.replace(asked, shop=work.shop),
            expected=work.expected if work else {},
            heard=None if work is None else work.heard,
            idempotency=None
            if used is None
            else Idempotency(key=used.key, request=used.request, answer=_encode(answer)),
            receive=receipts.append,
        )
        return receipts[0]

    def _used(self, command: Command, asked: Asked, key: str) -> Used:
        whose = (asked.shop, asked.actor.kind, asked.actor.id, key)
        return Used(
            key=self.ids.content(b"idempotency\x1f" + "\x1f".join(whose).encode()),
            request=self.ids.content(_encode((type(command).__name__, command))),
        )
