"""The AsyncAPI document: the topics, and the JSON Schema of everything in them."""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final

import msgspec
import yaml

from commands.shop.contract import Message
from docs.generate.facts import NOUNS, facts_of
from docs.generate.headers import (
    OF_DEAD,
    OF_FACTS,
    OF_SHOP,
    fact_headers,
    watermark_headers,
)
from docs.generate.markdown import doc
from domain.shared.events import Stored
from infra import facts_topic
from infra.settings import Settings

EXAMPLE: Final = {
    "type": "track",
    "userId": "42",
    "event": "Order Completed",
    "messageId": "order-1001-completed",
    "timestamp": "2026-11-20T10:15:00Z",
    "properties": {"order_id": "1001", "total": "27.50", "currency": "USD"},
}


def document_yaml() -> str:
    """Return the AsyncAPI document of all topics."""
    return yaml.safe_dump(_asyncapi(), sort_keys=False, allow_unicode=True, width=100)


def _asyncapi() -> dict[str, Any]:
    settings = Settings.model_construct()
    facts = [stored for noun in NOUNS for stored in facts_of(noun)]
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Huike",
            "version": version("huike"),
            "description": "Shops publish events; every fact of the log is published.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "localhost:9092"}},
            }
        },
        "channels": {
            "shopEvents": _channel(settings.kafka_topic_in, ["tracking", "cloudEvent"]),
            "deadLetters": _channel(settings.kafka_topic_dead, ["deadLetter"]),
            "facts": _channel(
                settings.kafka_topic_facts, ["watermark", *(stored.name for stored in facts)]
            ),
        },
        "operations": {
            "takeEvents": _operation("receive", "shopEvents", "What shops publish is taken."),
            "keepRefused": _operation("send", "deadLetters", "What was refused is kept, sealed."),
            "publishFacts": _operation("send", "facts", "Every fact, in order for each slot."),
        },
        "components": {
            "messages": dict(_messages(facts)),
            "messageTraits": {"fact": {"headers": _headers(fact_headers(), OF_FACTS)}},
            "schemas": _schemas(facts),
        },
    }


def _channel(address: str, messages: Iterable[str]) -> dict[str, Any]:
    return {
        "address": address,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _operation(action: str, channel: str, summary: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
    }


def _messages(facts: Iterable[Stored]) -> Iterator[tuple[str, dict[str, Any]]]:
    headers = _headers(list(OF_SHOP), OF_SHOP)
    yield (
        "tracking",
        {
            "summary": "A message in the shape of Segment's SDKs.",
            "contentType": "application/json",
            "headers": headers,
            "payload": {"$ref": "#/components/schemas/Message"},
            "examples": [{"payload": EXAMPLE}],
        },
    )
    yield (
        "cloudEvent",
        {
            "summary": "A CloudEvent 1.0, in structured mode (or in binary mode, its attributes as "
            "ce_ headers) whose data is a tracking message, or the properties of one.",
            "contentType": "application/cloudevents+json",
            "headers": headers,
            "payload": {
                "type": "object",
                "required": ["id", "source", "type", "specversion"],
                "properties": {
                    "id": {"type": "string"},
                    "source": {"type": "string"},
                    "type": {"type": "string"},
                    "specversion": {"const": "1.0"},
                    "time": {"type": "string", "format": "date-time"},
                    "subject": {"type": "string", "description": "The userId."},
                    "data": {"type": "object"},
                },
            },
        },
    )
    yield (
        "deadLetter",
        {
            "summary": "An event that was refused.",
            "contentType": "application/octet-stream",
            "headers": _headers(list(OF_DEAD), OF_DEAD),
            "payload": {"type": "string", "format": "binary", "description": "Sealed."},
        },
    )
    yield (
        "watermark",
        {
            "summary": "This partition has everything up to ce_position.",
            "headers": _headers(watermark_headers(), OF_FACTS, ce_type=facts_topic.WATERMARK),
            "payload": {"type": "null"},
        },
    )
    for stored in facts:
        yield (
            stored.name,
            {
                "name": f"huike.{stored.name}",
                "summary": doc(stored.cls).splitlines()[0],
                "contentType": "application/json",
                "traits": [{"$ref": "#/components/messageTraits/fact"}],
                "payload": {"$ref": f"#/components/schemas/{stored.cls.__name__}"},
            },
        )


def _headers(names: list[str], told: Mapping[str, str], **fixed: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: {
                "type": "string",
                "description": told[name],
                **({"const": fixed[name]} if name in fixed else {}),
            }
            for name in names
        },
    }


def _schemas(facts: Iterable[Stored]) -> dict[str, Any]:
    """Return the JSON Schema of every body as it is published, personal fields sealed."""
    bodies = [stored.body for stored in facts]
    _, found = msgspec.json.schema_components(
        [Message, *bodies], ref_template="#/components/schemas/{name}"
    )
    return {name.removeprefix("Stored"): _titled(schema) for name, schema in found.items()}


def _titled(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "title": schema["title"].removeprefix("Stored")}
