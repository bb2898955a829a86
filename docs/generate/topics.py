"""The page of the topics: what stands in their records."""

import json
from collections.abc import Mapping

from commands.shop import record
from commands.shop.contract import EVENT_BYTES, KINDS
from consumers import dead_letters, hearing
from docs.generate.asyncapi import EXAMPLE
from docs.generate.headers import (
    OF_DEAD,
    OF_FACTS,
    OF_SHOP,
    documented,
    fact_headers,
    watermark_headers,
)
from docs.generate.markdown import block, code, doc, document, table
from infra import facts_topic
from infra.settings import Settings

_ABOUT = """
The same as AsyncAPI 3.1, for programs: [asyncapi.yaml](asyncapi.yaml). `huike topics` makes the
topics that are missing; settings name them.
"""
_IN = f"""
A record is one message in the shape of Segment's SDKs: JSON, at most {EVENT_BYTES // 1024} KB, its
`type` one of {", ".join(code(kind) for kind in sorted(KINDS))}. There are no batches. The
content type is `application/json`, or missing. CloudEvents 1.0 are taken too, in binary mode (`ce_`
headers) and in structured mode (`application/cloudevents+json`).
"""
_KEYS = """
Give all events of one customer the same key, so that they come in their order. Give each event a
`messageId`: one without it gets an id from where it stands, so that it is recorded once, but sent
twice it is two.
"""
_DEAD = """
What was refused, with the reason and its place in headers. The value is sealed with a key of the
installation: read it at `/api/refused`, send it again at `/api/refused/{id}/resend`.
"""
_OUT = """
CloudEvents 1.0 in binary mode, one record a fact. There are as many partitions as slots
(`HUIKE_SLOTS`). All facts of one customer are in one partition, in the order of the log; facts of
nobody (a campaign, a policy) are in every one, with the same `ce_id`. A record may come twice: skip
a position that is not above the last one. [What facts say](facts.md).
"""


def page() -> str:
    """Return the page of the topics."""
    settings = Settings.model_construct()
    topics = [
        [settings.kafka_topic_in, "in", "yours", "3 days"],
        [settings.kafka_topic_dead, "out", "", "for ever"],
        [settings.kafka_topic_facts, "out", "`ce_subject`", "for ever"],
    ]
    names = ("HUIKE_KAFKA_TOPIC_IN", "HUIKE_KAFKA_TOPIC_DEAD", "HUIKE_KAFKA_TOPIC_FACTS")
    return document(
        "Topics",
        _ABOUT,
        table(
            ["topic", "setting", "direction", "key", "kept"],
            [
                [code(topic), code(name), *rest]
                for name, (topic, *rest) in zip(names, topics, strict=True)
            ],
        ),
        f"## {settings.kafka_topic_in}",
        _IN,
        doc(record).partition("\n\n")[2],
        _KEYS,
        doc(hearing).partition("\n\n")[2],
        _headers(documented(OF_SHOP, hearing)),
        block("json", json.dumps(EXAMPLE, indent=2)),
        f"## {settings.kafka_topic_dead}",
        _DEAD,
        _headers(documented(OF_DEAD, dead_letters)),
        f"## {settings.kafka_topic_facts}",
        _OUT,
        doc(facts_topic).partition("\n\n")[2],
        _headers({name: OF_FACTS[name] for name in fact_headers()}),
        "A watermark has " + ", ".join(code(name) for name in watermark_headers()) + ".",
    )


def _headers(told: Mapping[str, str]) -> str:
    return table(["header", "meaning"], [[code(name), meaning] for name, meaning in told.items()])
