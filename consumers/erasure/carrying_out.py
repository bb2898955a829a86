"""Carries erasures out, many at once: each step may be broken off anywhere, and is done again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from time import sleep
from typing import Final
from uuid import UUID

import psycopg
import structlog

from commands.application import Crm
from commands.erasure import BeginErasure, CertifyErasure, ConfirmErasure
from commands.work import Command
from consumers.erasure.certifying import Found
from consumers.erasure.purging import purge_answers, purge_columns, purge_refused
from consumers.erasure.waiting import LEGAL_HOLD, OPEN_ORDER, has_open_order, reasons
from consumers.mistakes import first_line
from consumers.place import placed
from domain.shared.ids import Ids
from domain.shared.log import Actor
from domain.shared.refusals import Refused
from infra import clock, erasures
from infra.certificates import signed
from infra.erasure_certificate import certificate_of
from infra.erasures import Erasure
from infra.event_store import EventLog
from infra.event_store.factory import LogFactory
from infra.event_store.membership import origins_of
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
from projections.sought import Sought

_LOCK: Final = 4_851_106
_ACTOR: Final = Actor(kind="process", id="erasures")
_SOURCE: Final = "erasures"
_REACHED: Final = """
select min(position) from views.active join views.checkpoint using (view, version, generation)
where view = any(%s)
"""

log = structlog.get_logger("erasures")


def carry_out(settings: Settings) -> None:
    """Bring every erasure whose time has come one step further, unless another process does.

    All of them together, a thousand at most: what is waited for or looked through takes as long for
    many as for one.
    """
    settings = placed(settings)
    assert settings.log_url is not None
    with closing(connect(settings.log_url, WRITER)) as connection:
        erasures.follow(connection)
        if not erasures.due(connection):
            return
        mine = connection.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        if mine is None or not mine[0]:
            return
        with _opened(settings, connection) as work:
            work.begin(erasures.due(connection, "waiting"))
            work.erase(erasures.due(connection, "erasing"))
            work.certify(erasures.due(connection, "erased"))


@contextmanager
def _alone(erasure: Erasure) -> Iterator[None]:
    """Have one that fails fail alone: others are not to wait for it."""
    try:
        yield
    except psycopg.OperationalError:
        raise
    except Exception as error:
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


def _now(connection: Connection) -> datetime:
    """Return when the transaction began, by the clock that dates answers."""
    row = connection.execute("select now()").fetchone()
    assert row is not None
    began: datetime = row[0]
    return began


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

    def begin(self, waiting: Sequence[Erasure]) -> None:
        """Say that keys are destroyed from now on, of all who have nothing to wait for."""
        for erasure in waiting:
            with _alone(erasure):
                self._begin(erasure)
        erasures.follow(self.log)

    def _begin(self, erasure: Erasure) -> None:
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
            return
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

    def erase(self, begun: Sequence[Erasure]) -> None:
        """Destroy the keys of all that these customers are, and say so, of all who need not wait.

        What names them in words is destroyed before their keys are: without those nobody knows it.
        """
        while begun:
            known = [(it, marks) for it in begun if (marks := self._marks(it)) is not None]
            self._purge_refused(known)
            gone = [(it, marks.identities) for it, marks in known if self._forgets(it, marks)]
            if gone:
                sleep(2 * FORGOTTEN_WITHIN_SECONDS)
            begun = [it for it, identities in gone if not self._confirms(it, identities)]
        erasures.follow(self.log)

    def _marks(self, erasure: Erasure) -> Marks | None:
        """Return what a customer is known by; None when the erasure has to wait."""
        with _alone(erasure):
            identities = self._identities(erasure)
            erasures.follow(self.log)
            living = [identity for identity in identities if self._keys.has_key(identity)]
            if erasures.is_held(self.log, living):  # one who became theirs since
                erasures.waits(self.log, erasure.erasure, [LEGAL_HOLD])
                return None
            facts = self._reader.of_origins(identities, upto=self._reader.last())
            return marks_of(identities, facts)
        return None

    def _forgets(self, erasure: Erasure, marks: Marks) -> bool:
        with _alone(erasure):
            self._keys.forget(marks.identities)
            return True
        return False

    def _confirms(self, erasure: Erasure, identities: frozenset[UUID]) -> bool:
        """Say that somebody is forgotten; False when one more became theirs before they were."""
        with _alone(erasure):
            now = self._identities(erasure)
            if identities != {*now}:
                return False
            confirm = ConfirmErasure(
                customer=erasure.customer, erasure=erasure.erasure, identities=tuple(now)
            )
            self._dispatch(erasure, confirm)
        return True

    def certify(self, erased: Sequence[Erasure]) -> None:
        """Purge what views and tables held, and certify it, of whom every view has let go."""
        reached = self._reached()
        ready = [it for it in erased if it.position is not None and it.position <= reached]
        if not ready:
            return  # the next round
        signer = Signer.beside(self._settings.keyring_file)  # without it nothing is looked through
        whose = {it.erasure: self._identities(it) for it in ready}
        everybody = {identity for identities in whose.values() for identity in identities}
        self._purge_refused([(it, marks_of(whose[it.erasure], ())) for it in ready])
        with self.log.transaction():
            at = _now(self.log)  # what is read from here on holds nothing of them
            self._count_answers(purge_answers(self.log, whose))
        columns = purge_columns(self._views, catalogue.VIEWS, everybody)
        found = Found.of(self.log, self._keeper, everybody, columns)
        for erasure in ready:
            with _alone(erasure):
                self._certify(erasure, whose[erasure.erasure], found, signer, at)
        erasures.follow(self.log)

    def _certify(
        self,
        erasure: Erasure,
        identities: Sequence[UUID],
        found: Found,
        signer: Signer,
        at: datetime,
    ) -> None:
        now = erasures.find(self.log, erasure.erasure)
        made = found.certified(now, identities, mark_of(self._ids), at)
        kept = erasures.keep_certificate(self.log, erasure.erasure, signed(made, signer))
        digest = certificate_of(kept).digest
        certify = CertifyErasure(customer=erasure.customer, erasure=erasure.erasure, digest=digest)
        self._dispatch(erasure, certify)
        log.info("erasure.certified", erasure=str(erasure.erasure))

    def _identities(self, erasure: Erasure) -> Sequence[UUID]:
        """Return who the customer was when it began, and who became theirs since."""
        return sorted({*erasure.identities, *origins_of(self.log, erasure.customer)})

    def _reached(self) -> int:
        """Return the position that all views have come to."""
        row = self._views.execute(_REACHED, (list(catalogue.VIEWS),)).fetchone()
        return 0 if row is None or row[0] is None else int(row[0])

    def _purge_refused(self, known: Sequence[tuple[Erasure, Marks]]) -> None:
        if known:
            people = {erasure.erasure: (erasure.shop, marks) for erasure, marks in known}
            purge_refused(self.log, self._keys, Sought(self._ids, people))

    def _count_answers(self, purged: Mapping[UUID, int]) -> None:
        self.log.cursor().executemany(
            "update log.erasure set answers = answers + %s where erasure = %s",
            [(gone, erasure) for erasure, gone in purged.items()],
        )

    def _dispatch(self, erasure: Erasure, command: Command) -> None:
        self._crm.dispatch(
            command,
            actor=_ACTOR,
            shop=erasure.shop,
            source=_SOURCE,
            correlation=f"erasure {erasure.erasure}",
        )
