"""A process that writes until it is done or killed: prints each message id once it is durable."""

import sys
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from pathlib import Path

from domain.activity.events import Tracked
from domain.customer.events import TagAdded
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Draft, Message, Receipt, Who
from infra.event_store import EventLog
from infra.keyring import Keyring
from infra.postgres import KEEPER, pool
from infra.sealing import PersonKeys

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDS = Ids(b"secret")


def message(name: str, tags: int) -> Append:
    stream = IDS.message("shop", "site", name)
    who = Who(user=IDS.user("shop", name.rpartition(":")[2]))
    facts = [
        Draft(event=Tracked(name="Seen", content=b"d"), occurred_at=NOON, who=who, stream=stream)
    ]
    facts += [
        Draft(event=TagAdded(tag=f"{name}/{n}"), occurred_at=NOON, who=who) for n in range(tags)
    ]
    return Append(
        facts=tuple(facts),
        actor=Actor("process", name),
        shop="shop",
        source="site",
        message=Message(id=stream, content=b"d", original=b"{}"),
    )


def write(url: str, keyring: str, writer: str, messages: int, tags: int) -> None:
    keeper = pool(url, KEEPER)
    log = EventLog(url, PersonKeys(keeper, Keyring.open(Path(keyring))))
    pending: list[tuple[str, Future[Receipt]]] = []
    for n in range(messages):
        # every second message has a name that all writers use
        name = f"all:{n}" if n % 2 else f"{writer}:{n}"
        pending.append((name, log.submit(message(name, tags))))
        if len(pending) >= 50 or n == messages - 1:
            wait([f for _, f in pending])
            for told, future in pending:
                print(told, future.result().recorded, flush=True)  # noqa: T201  # the parent reads it
            pending = []
    log.close()
    keeper.close()


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
