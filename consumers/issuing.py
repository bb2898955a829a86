"""Issues API keys: no key opens, or has a right, that a fact did not tell of first."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from getpass import getuser
from typing import Any, Final

import msgspec
import typer

from commands.application import Crm
from commands.key import IssueKey, RevokeKey, RotateKey
from commands.work import Command
from consumers.place import log_url
from domain.key.events import KeyFound, KeyIssued, KeyRotated
from domain.shared.ids import Ids
from domain.shared.log import Actor
from infra import clock
from infra.event_store import EventLog
from infra.event_store.factory import LogFactory
from infra.holders import keeper_pool
from infra.installation import prepare
from infra.key_making import KeyMaker, told_since
from infra.keys import Key
from infra.postgres import OWNER, WRITER, connect
from infra.sealing import PersonKeys
from infra.settings import Settings

_SOURCE: Final = "keys"
_MADE: Final = (
    "Made the keyring {file}: every process of this log needs it, by HUIKE_KEYRING; keep a copy "
    "apart from the database."
)
_GIVEN: Final = tuple(f.name for f in msgspec.structs.fields(KeyIssued))


class Issuing:
    """Makes, changes and revokes keys: the fact first, which is durable before the key is.

    Whoever is killed between the two leaves a fact of what did not come to be: of a key that opens
    nothing, of a secret that nobody was shown, or of a revocation to be asked for again.
    """

    def __init__(self, maker: KeyMaker, crm: Crm) -> None:
        self._maker = maker
        self._crm = crm

    def add(self, name: str, scopes: list[str], **about: Any) -> tuple[Key, str]:
        """Make a key, as KeyMaker does; `about`: what it takes. Raises Refused."""
        with self._maker.whole():
            key, secret = self._maker.add(name, scopes, **about)
            self._tell(IssueKey(key=key.id, given=KeyIssued(**_given(key))), key)
        return key, secret

    def rotate(
        self, which: str, overlap: timedelta, *, expires: timedelta | None
    ) -> tuple[Key, str]:
        """Give a key a new secret, as KeyMaker does. Raises Refused."""
        with self._maker.whole():
            key, secret = self._maker.rotate(which, overlap, expires=expires)
            assert key.former_until is not None
            rotated = KeyRotated(old_opens_until=key.former_until, expires_at=key.expires_at)
            self._tell(RotateKey(key=key.id, rotated=rotated), key)
        return key, secret

    def revoke(self, which: str) -> Key:
        """Revoke a key, as KeyMaker does. Raises Refused."""
        with self._maker.whole():
            key = self._maker.revoke(which)
            self._tell(RevokeKey(key=key.id), key)
        return key

    def find(self, since: datetime) -> None:
        """Tell of the keys that were made before: there are facts of keys `since` then."""
        for key in self._maker.untold(since):
            found = KeyFound(**_given(key), made_at=key.created_at)
            self._tell(IssueKey(key=key.id, given=found), key)
            if key.revoked_at is not None:
                self._tell(RevokeKey(key=key.id), key)

    def _tell(self, command: Command, key: Key) -> None:
        self._crm.dispatch(
            command,
            actor=Actor(kind="system", id=getuser()),
            shop=key.shop,
            source=_SOURCE,
            correlation=f"key {key.id}",
        )


def _given(key: Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in _GIVEN}


@contextmanager
def issuing(settings: Settings) -> Iterator[Issuing]:
    """Open the log as its owner. Raises NoDatabase, KeyringLost, VaultFailed, psycopg.Error."""
    url = log_url(settings)
    made = not settings.keyring_file.exists()
    keyring = prepare(url, settings.keyring_file, settings.vault)
    if made:
        typer.echo(_MADE.format(file=settings.keyring_file.absolute()), err=True)
    with ExitStack() as stack:
        owner = stack.enter_context(closing(connect(url, OWNER)))
        keys = PersonKeys(stack.enter_context(keeper_pool(url, keyring, size=1)), keyring)
        log = EventLog(url, keys)
        stack.callback(log.close)
        crm = Crm(LogFactory(log), log, Ids(keyring.secret), clock.now)
        issuing = Issuing(KeyMaker(owner), crm)
        with closing(connect(url, WRITER)) as writer:
            issuing.find(told_since(writer))
        yield issuing
