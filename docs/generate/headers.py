"""The headers of the topics' records, each with its meaning; none can be forgotten."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from inspect import getsource
from types import ModuleType
from typing import Final
from uuid import UUID

from infra import facts_topic

OF_FACTS: Final = {
    "ce_specversion": "Version of CloudEvents.",
    "ce_id": "The log's incarnation and the position; of one fact always the same.",
    "ce_source": "`/huike/`, the shop and its source.",
    "ce_type": "`huike.` and the fact's stored name.",
    "ce_time": "When it happened; of a watermark, an instant before which nothing more comes.",
    "ce_subject": "The customer; of a fact of nobody, its stream.",
    "ce_position": "Place in the log.",
    "ce_previous": "Position of the record before it in this partition. Another one than you have "
    "seen means that something is missing: read it from the log, or from the beginning.",
    "ce_incarnation": "Which log it is of. Another one than before: it was restored, or made anew.",
    "ce_stream": "What it happened to.",
    "ce_streamversion": "Place in its stream, from 1.",
    "ce_typeversion": "Version of the fact's fields.",
    "ce_shop": "Whose fact it is.",
    "ce_shopsource": "Channel of the shop that it came by.",
    "ce_origin": "The identity that it began with; missing: it is nobody's.",
    "ce_customer": "The customer when it was recorded; missing: it is nobody's.",
    "ce_recordedtime": "When it was recorded.",
    "ce_actorkind": "What said so: key, person, process or system.",
    "ce_actorid": "Its id.",
    "ce_correlation": "Id of the request that it came of.",
    "ce_causation": "What it was recorded because of.",
    "content-type": "`application/json`.",
}
OF_DEAD: Final = {
    "huike-refused": "Id of the refused event, as at `/api/refused/{id}`.",
    "huike-reason": "Code of the [refusal](refusals.md#events-of-shops).",
    "huike-detail": "The sentence for it.",
    "huike-shop": "Whose event it would have been.",
    "huike-source": "Its channel.",
    "huike-received": "When it was received.",
    "huike-topic": "Where it stood: the topic,",
    "huike-partition": "the partition",
    "huike-offset": "and the offset.",
    "content-type": "`application/octet-stream`: the original bytes, sealed.",
}
OF_SHOP: Final = {
    "huike-shop": "Whose event it is; else the shop of the settings.",
    "huike-source": "Its channel (site, app, erp); else `kafka`.",
    "huike-currency": "What is meant where an amount names none; else the settings'.",
    "huike-system": "`true`: a machine of the shop reports, nobody's activity.",
}


def documented(told: Mapping[str, str], module: ModuleType) -> Mapping[str, str]:
    """Return what is told of a module's headers. Raises ValueError when it has others."""
    used = set(re.findall(r'"(huike-[a-z]+)"', getsource(module)))
    if used != {name for name in told if name.startswith("huike-")}:
        msg = f"{module.__name__} has headers {sorted(used)}"
        raise ValueError(msg)
    return told


def fact_headers() -> list[str]:
    """Return the names of a fact's headers, as the relay writes them."""
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    one = UUID(int=1)
    row = (1, one, 1, "order.paid", 1, "shop", "site", one, one, moment, moment, "key", "k")
    return [name for name, _ in facts_topic.headers_of((*row, "c", one, b""), 0, "i")]


def watermark_headers() -> list[str]:
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    return [name for name, _ in facts_topic.watermark(1, 0, moment, "i")]
