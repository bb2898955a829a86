"""Carries erasures out: each step may be broken off anywhere, and is done again by the next one."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from time import sleep
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog

from commands.application import Crm
from commands.erasure import BeginErasure, CertifyErasure, ConfirmErasure
from commands.work import Command
from consumers.erasure.purging import purge_answers, purge_columns, purge_refused
from consumers.erasure.waiting import LEGAL_HOLD, OPEN_ORDER, has_open_order, reasons
from consumers.mistakes import first_line
from consumers.place import placed
from domain.shared.ids import Ids
from domain.shared.log import Actor
from domain.shared.refusals import Refused
from infra import clock, erasures
from infra.certificates import signed
from infra.epochs import standing
from infra.erasure_certificate import CertifiedErasure, DestroyedKey, certificate_of
from infra.erasures import Erasure
from infra.event_store import EventLog
from infra.event_store.factory import LogFactory
from infra.holders import keeper_pool
from infra.installation import mark_of
from infra.keyring import Keyring
from infra.postgres import KEEPER, VIEWS, WRITER, Connection, connect
from infra.sealing import FORGOTTEN_WITHIN_SECONDS, PersonKeys
from infra.settings import Settings
from infra.signing import Signer
from projections import catalogue
from projections.marks import Marks, marks_of
from projections.profile.projection import profile
from projections.runtime.as_of import AsOf

_LOCK: Final = 4_851_106
_ACTOR: Final = Actor(kind="process", id="erasures")
_SOURCE: Final = "erasures"
_REACHED: Final = """
select min(position) from views.active join views.checkpoint using (view, version, generation)
where view = any(%s)
"""
_KEYS: Final = """
select identity, generation::int4, epoch, forgotten_at from keeper.person_key
where identity = any(%s) and wrapped is null order by identity
"""
_FACTS: Final = """
select count(*), coalesce(min(position), 0), coalesce(max(position), 0) from log.fact
where origin = any(%s)
"""
_ORIGINALS: Final = "select count(*) from log.original where origin = any(%s)"

log = structlog.get_logger("erasures")


class KeysRemain(Exception):
    """Keys of somebody who was erased are still there."""


def carry_out(settings: Settings) -> None:
    """Bring every erasure whose time has come one step further, unless another process does."""
    settings = placed(settings)
    assert settings.log_url is not None
    with closing(connect(settings.log_url, WRITER)) as connection:
        erasures.follow(connection)
        todo = erasures.due(connection)
        if not todo:
            return
        mine = connection.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        if mine is None or not mine[0]:
            return
        with _opened(settings, connection) as work:
            for erasure in erasures.due(connection):
                _one(work, erasure)


def _one(work: "_Work", erasure: Erasure) -> None:
    try:
        if erasure.state == "waiting":
            if not work.begin(erasure):
                return
            erasure = erasures.find(work.log, erasure.erasure)
        if erasure.state == "erasing" and not work.erase(erasure):
            return
        work.certify(erasures.find(work.log, erasure.erasure))
    except psycopg.OperationalError:
        raise
    except Exception as error:  # others are not to wait for one that fails
        log.exception("erasure.failed", erasure=str(erasure.erasure), why=first_line(error))


@contextmanager
def _opened(settings: Settings, connection: Connection) -> Iterator["_Work"]:
    log_url, views_url = settings.log_url, settings.views_or_log_url
    assert log_url is not None
    assert views_url is not None
    with ExitStack() as stack:
        keyring = Keyring.open(settings.keyring_file, settings.vault)
        keeper = stack.enter_context(closing(connect(log_url, KEEPER)))
        keys = PersonKeys(stack.enter_context(keeper_pool(log_url, keyring, size=2)), keyring)
        event_log = EventLog(log_url, keys)
        stack.callback(event_log.close)
        views = stack.enter_context(closing(connect(views_url, VIEWS)))
        yield _Work(settings, connection, views, keeper, keys, event_log, Ids(keyring.secret))


class _Work:
    """What an erasure takes."""

    def __init__(  # noqa: PLR0913, PLR0917  # all that somebody's data are in
        self,
        settings: Settings,
        log_: Connection,
        views: Connection,
        keeper: Connection,
        keys: PersonKeys,
        event_log: EventLog,
        ids: Ids,
    ) -> None:
        self.log = log_
        self._settings = settings
        self._views = views
        self._keeper = keeper
        self._keys = keys
        self._reader = event_log.reader
        self._ids = ids
        self._crm = Crm(LogFactory(event_log), event_log, ids, clock.now)

    def begin(self, erasure: Erasure) -> bool:
        """Say that keys are destroyed from now on; False when it has to wait, or was taken back."""
        customer = erasure.customer
        days = self._settings.erasure_order_days
        why = reasons(self.log, self._views, customer, days)
        head = self._reader.head()  # which views may not have come to
        if not why:
            now = AsOf(profile, self._reader, self._keys.blind)
            rows = now.one(customer, at=head.clock, known_at=head.position)
            if has_open_order(rows, since=head.clock - timedelta(days=days)):
                why = [OPEN_ORDER]
        if why:
            erasures.waits(self.log, erasure.erasure, why)
            return False
        begin = BeginErasure(
            customer=customer,
            erasure=erasure.erasure,
            identities=tuple(sorted(self._reader.origins_of(customer, at=head.position))),
            upto=head.position,
        )
        try:
            self._dispatch(erasure, begin)
        except Refused as refusal:  # somebody was first: the next round sees why
            log.info("erasure.not-begun", erasure=str(erasure.erasure), why=str(refusal))
            return False
        return True

    def erase(self, erasure: Erasure) -> bool:
        """Destroy the keys of all that the customer is, and say so; False when it has to wait."""
        identities: Sequence[UUID] = ()
        while (now := self._identities(erasure)) != identities:
            erasures.follow(self.log)
            living = [identity for identity in now if self._keys.has_key(identity)]
            if erasures.is_held(self.log, living):  # one who became theirs since
                erasures.waits(self.log, erasure.erasure, [LEGAL_HOLD])
                return False
            identities = now  # while a key was there, one more may have become theirs
            facts = self._reader.of_origins(identities, upto=self._reader.last())
            self._purge_refused(erasure, marks_of(identities, facts))
            self._keys.forget(identities)
            sleep(2 * FORGOTTEN_WITHIN_SECONDS)
        self._dispatch(
            erasure,
            ConfirmErasure(
                customer=erasure.customer, erasure=erasure.erasure, identities=tuple(identities)
            ),
        )
        return True

    def certify(self, erasure: Erasure) -> None:
        """Purge what views and tables held, and certify it, once every view has let go."""
        position, erased_at = erasure.position, erasure.erased_at
        if position is None or erased_at is None or not self._is_reached(position):
            return  # the next round
        customer = erasure.customer
        identities = self._identities(erasure)
        self._purge_refused(erasure, marks_of(identities, ()))
        with self.log.transaction():
            gone = purge_answers(self.log, identities, customer)
            self._count(erasure, answers=gone)
        columns = purge_columns(self._views, catalogue.VIEWS, identities)
        now = erasures.find(self.log, erasure.erasure)
        facts, first, last = self._asked(self.log, _FACTS, identities)
        (originals,) = self._asked(self.log, _ORIGINALS, identities)
        made = CertifiedErasure(
            installation=mark_of(self._ids),
            erasure=erasure.erasure,
            customer=customer,
            shop=erasure.shop,
            asked_by=erasure.asked_by,
            requested_at=erasure.requested_at,
            due_at=erasure.due_at,
            erased_at=erased_at,
            position=position,
            keys=self._destroyed(identities),
            facts=facts,
            originals=originals,
            first=first,
            last=last,
            columns=columns,
            refused=now.refused,
            answers=now.answers,
            epoch=standing(self._keeper).epoch,
            made_at=clock.now(),
        )
        signer = Signer.beside(self._settings.keyring_file)
        kept = erasures.keep_certificate(self.log, erasure.erasure, signed(made, signer))
        digest = certificate_of(kept).digest
        self._dispatch(
            erasure, CertifyErasure(customer=customer, erasure=erasure.erasure, digest=digest)
        )
        log.info("erasure.certified", erasure=str(erasure.erasure))

    def _identities(self, erasure: Erasure) -> Sequence[UUID]:
        """Return who the customer was when it began, and who became theirs since."""
        now = self._reader.origins_of(erasure.customer, at=self._reader.last())
        return sorted({*erasure.identities, *now})

    def _is_reached(self, position: int) -> bool:
        row = self._views.execute(_REACHED, (list(catalogue.VIEWS),)).fetchone()
        return row is not None and row[0] is not None and row[0] >= position

    def _purge_refused(self, erasure: Erasure, marks: Marks) -> None:
        with self.log.transaction():
            gone = purge_refused(self.log, self._keys, self._ids, erasure.shop, marks)
            self._count(erasure, refused=gone)

    def _count(self, erasure: Erasure, *, refused: int = 0, answers: int = 0) -> None:
        self.log.execute(
            "update log.erasure set refused = refused + %s, answers = answers + %s"
            " where erasure = %s",
            (refused, answers, erasure.erasure),
        )

    def _destroyed(self, identities: Sequence[UUID]) -> list[DestroyedKey]:
        rows = self._keeper.execute(_KEYS, (list(identities),)).fetchall()
        if len(rows) < len(identities):
            raise KeysRemain(KeysRemain.__doc__)
        return [
            DestroyedKey(identity=i, generation=g, epoch=e, destroyed_at=at) for i, g, e, at in rows
        ]

    @staticmethod
    def _asked(connection: Connection, query: str, identities: Sequence[UUID]) -> Any:
        return connection.execute(query.encode(), (list(identities),)).fetchone()

    def _dispatch(self, erasure: Erasure, command: Command) -> None:
        self._crm.dispatch(
            command,
            actor=_ACTOR,
            shop=erasure.shop,
            source=_SOURCE,
            correlation=f"erasure {erasure.erasure}",
        )
        erasures.follow(self.log)
