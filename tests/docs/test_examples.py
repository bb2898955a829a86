"""What the API's description gives as examples can be sent."""

from datetime import UTC, datetime
from typing import Final

import msgspec
import pytest

from api.ingest_docs import EXAMPLES
from commands.shop import Door, Sent, translate
from domain.shared.ids import Ids
from domain.shared.log import Actor
from tests.commands.shop.shops import open_batch

DOOR: Final = Door(
    shop="shop",
    source="site",
    actor=Actor(kind="key", id="k"),
    received_at=datetime(2026, 11, 20, 11, tzinfo=UTC),
)


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_an_example_of_a_message_is_taken(kind: str) -> None:
    body = msgspec.json.encode(EXAMPLES[kind])
    batched = [bytes(raw) for raw in open_batch(body).batch] if kind == "batch" else [body]
    for raw in batched:
        told = translate(
            Sent(raw=raw, kind=None if kind == "batch" else kind, message_id="m"),
            DOOR,
            Ids(b"secret"),
        )
        assert told.facts
