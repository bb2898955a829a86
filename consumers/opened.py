"""What one-off commands stand on: the log to read, the views, and the keys to open with."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from getpass import getuser
from uuid import UUID, uuid4

import msgspec

from consumers.named import named
from consumers.place import placed
from domain.shared.ids import Ids
from infra.access_log import Access, AccessLog
from infra.event_store import LogReader
from infra.holders import keeper_pool
from infra.keyring import Keyring
from infra.postgres import VIEWS, WRITER, Connection, connect, pool
from infra.sealing import PersonKeys
from infra.settings import Settings


class Opened(msgspec.Struct, frozen=True):
    """An opened installation."""

    settings: Settings
    reader: LogReader
    views: Connection
    sealer: PersonKeys
    ids: Ids

    def identity(self, customer: str, shop: str) -> UUID:
        """Return who is meant: by an id, or by a shop's user id."""
        return named(customer, "user", self.ids.user, shop)

    def note(self, operation: str, customer: UUID, shop: str) -> None:
        """Write down that somebody at this machine is shown a customer. Raises AccessNotWritten."""
        assert self.settings.log_url is not None
        access = Access(
            actor_kind="system",
            actor_id=getuser(),
            whom=(customer,),
            operation=operation,
            basis="keyring",
            request=uuid4().hex,
            shop=shop,
        )
        with (
            pool(self.settings.log_url, WRITER, size=1) as writer,
            closing(AccessLog(writer, self.sealer)) as log,
        ):
            log.write(access)


@contextmanager
def opened(settings: Settings) -> Iterator[Opened]:
    """Open the log for reading and the views. Raises NoDatabase, psycopg.OperationalError."""
    settings = placed(settings)
    log_url, views_url = settings.log_url, settings.views_or_log_url
    assert log_url is not None
    assert views_url is not None
    with ExitStack() as stack:
        keyring = Keyring.open(settings.keyring_file, settings.vault)
        sealer = PersonKeys(stack.enter_context(keeper_pool(log_url, keyring, size=2)), keyring)
        reader = LogReader(log_url, sealer, pool_size=2)
        stack.callback(reader.close)
        views = stack.enter_context(connect(views_url, VIEWS))
        yield Opened(settings, reader, views, sealer, Ids(keyring.secret))
