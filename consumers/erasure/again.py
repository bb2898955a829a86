"""Forgets again, after a restore, whoever lives again of those whom certificates name."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from getpass import getuser
from pathlib import Path
from time import monotonic, sleep
from typing import Final
from uuid import UUID

import msgspec
import typer

from commands.application import Crm
from commands.erasure import RequestErasure
from consumers.checks import Check, signature
from consumers.erasure.due import carry_out_due
from consumers.place import placed
from domain.customer.events import Asker
from domain.shared.ids import Ids
from domain.shared.log import Actor
from infra import clock, erasures
from infra.certificates import Altered
from infra.erasure_certificate import CertifiedErasure, certificate_of
from infra.event_store import EventLog
from infra.event_store.factory import LogFactory
from infra.holders import keeper_pool
from infra.installation import mark_of, prepare
from infra.postgres import WRITER, Connection, connect
from infra.sealing import PersonKeys
from infra.settings import Settings
from infra.signing import Signer, read_public

_SOURCE: Final = "erasures"
_LOOK_SECONDS: Final = 0.5
_DONE: Final = ("erased", "certified")


class NotOurs(Exception):
    """{file} is no certificate of an erasure that this service made: {why}. Nobody was forgotten.

    A file that was changed could have anybody forgotten.
    """

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(str(type(self).__doc__).splitlines()[0].format(file=file, why=why))


class Asked(msgspec.Struct):
    """What was done about a certificate.

    `living`: how many of its identities had a key, or could get one; `told`: the log knew of the
    erasure, keys alone were older; `erasures`: those that were asked for; `others`: customers who
    are one with an identity of it, and whom it does not name.
    """

    living: int = 0
    told: bool = False
    erasures: list[UUID] = msgspec.field(default_factory=list)
    others: list[UUID] = msgspec.field(default_factory=list)


def again(
    settings: Settings,
    files: Sequence[Path],
    public_keys: Sequence[Path] = (),
    *,
    wait: float,
    to: Path | None = None,
) -> int:
    """Forget them again, and wait so many seconds at most; say of each file what became of it.

    `public_keys`: that sign certificates, this Huike's if none are given; `to`: the folder where
    the new certificates are written, if anywhere. Return 1 if somebody is
    not forgotten yet, 2 if a file is no certificate of ours: then nothing is done. Raises
    OSError, psycopg.Error.
    """
    if to is not None:
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _opened(placed(settings)) as here:
        try:
            trusted = [read_public(key) for key in public_keys]
            certified = [(file, here.read(file, trusted)) for file in files]
        except NotOurs as why:
            typer.echo(str(why), err=True)
            return 2
        asked = [(file, here.ask(one)) for file, one in certified]
        here.wait([erasure for _, one in asked for erasure in one.erasures], wait)
        if to is not None:
            here.write([erasure for _, one in asked for erasure in one.erasures], to)
        checks = [here.told(file, one) for file, one in asked]
    for check in checks:
        typer.echo(f"{'✓' if check.good else '✗'} {check.what}: {check.found}")
    return int(not all(check.good for check in checks))


class _Again:
    """What it takes to forget somebody again."""

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        log: EventLog,
        keys: PersonKeys,
        ids: Ids,
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._reader = log.reader
        self._keys = keys
        self._ids = ids
        self._crm = Crm(LogFactory(log), log, ids, clock.now)

    def read(self, file: Path, trusted: Collection[str]) -> CertifiedErasure:
        """Read a certificate by a key that is trusted, or by this Huike's. Raises NotOurs."""
        try:
            certificate = certificate_of(file.read_bytes())
        except (msgspec.DecodeError, Altered):
            raise NotOurs(file, "it is none, not whole, or was changed") from None
        ours = certificate.certified.installation == mark_of(self._ids)
        trusted = trusted or [Signer.beside(self._settings.keyring_file).public]
        key = next((key for key in trusted if key == certificate.public_key), "")
        check = signature(certificate, key, "installation", here=ours)
        if not check.good:
            raise NotOurs(file, check.found)
        return certificate.certified

    def ask(self, certified: CertifiedErasure) -> Asked:
        """Have everybody forgotten who is named and lives again."""
        named = {key.identity for key in certified.keys}
        living = named - self._keys.forgotten(named)
        unknown = {it for it in living if self._reader.shop_of(it) is None}
        if unknown:  # nothing of them came back yet: nothing will
            self._keys.forget(unknown)
        asked = Asked(living=len(living))
        for customer in sorted({self._reader.customer_of(it) for it in living - unknown}):
            if customer in named:
                asked.erasures.append(self._request(customer, certified))
                asked.told |= self._destroys(asked.erasures[-1], customer, living)
            else:
                asked.others.append(customer)
        return asked

    def _request(self, customer: UUID, certified: CertifiedErasure) -> UUID:
        receipt = self._crm.dispatch(
            RequestErasure(customer=customer, by=Asker.OFFICER, due_at=clock.now()),
            actor=Actor(kind="system", id=getuser()),
            shop=certified.shop,
            source=_SOURCE,
            correlation=f"certificate of erasure {certified.erasure}",
            anywhere=True,
        )
        return UUID(msgspec.json.decode(receipt.answer or b"{}")["erasure"])

    def _destroys(self, erasure: UUID, customer: UUID, living: Collection[UUID]) -> bool:
        """Destroy keys of somebody whom the log knows to be forgotten; say whether it does."""
        erasures.follow(self._connection)
        if erasures.find(self._connection, erasure).state not in _DONE:
            return False
        theirs = self._reader.origins_of(customer, at=self._reader.last())
        self._keys.forget({*theirs} & {*living})
        return True

    def wait(self, asked: Collection[UUID], seconds: float) -> None:
        """Carry out what was asked for, together with the workers, until nothing more can be."""
        until = monotonic() + seconds
        while asked and monotonic() < until:
            carry_out_due(self._settings)
            stand = [erasures.find(self._connection, one) for one in asked]
            if all(one.state == "certified" or one.waits_for for one in stand):
                return
            sleep(_LOOK_SECONDS)

    def write(self, asked: Collection[UUID], to: Path) -> None:
        """Write what certificates there are of these erasures."""
        for erasure in asked:
            certificate = erasures.find(self._connection, erasure).certificate
            if certificate is not None:
                (to / f"erasure-{erasure}.json").write_bytes(certificate)

    def told(self, file: Path, asked: Asked) -> Check:
        """Say how it stands with those whom a certificate names."""
        if asked.others:
            whom = ", ".join(map(str, asked.others))
            found = f"somebody of it is one with {whom}, whom it does not name: decide of them"
            return Check(file.name, found, good=False)
        stand = [erasures.find(self._connection, one) for one in asked.erasures]
        waiting = [one for one in stand if one.state != "certified"]
        if waiting:
            why = ", ".join(
                f"{one.erasure} waits for {', '.join(one.waits_for)}"
                if one.waits_for
                else f"{one.erasure} is {one.state}, and goes on by itself once views are kept"
                for one in waiting
            )
            return Check(file.name, why, good=False)
        if stand:
            which = ", ".join(str(one.erasure) for one in stand)
            more = "; `huike rebuild` what views were made since the restore" if asked.told else ""
            return Check(file.name, f"forgotten again, and certified: erasure {which}{more}")
        if asked.living:
            return Check(file.name, "not known to this log, and will not be")
        return Check(file.name, "forgotten already")


@contextmanager
def _opened(settings: Settings) -> Iterator[_Again]:
    url = settings.log_url
    assert url is not None
    keyring = prepare(url, settings.keyring_file, settings.vault)
    with ExitStack() as stack:
        connection = stack.enter_context(closing(connect(url, WRITER)))
        keys = PersonKeys(stack.enter_context(keeper_pool(url, keyring, size=2)), keyring)
        log = EventLog(url, keys)
        stack.callback(log.close)
        yield _Again(settings, connection, log, keys, Ids(keyring.secret))
