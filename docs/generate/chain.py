"""The page of the chain: the canonical bytes of a row, with an example that is worked out."""

import hashlib
import re
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final
from uuid import UUID

from docs.generate.markdown import block, code, document, table
from infra import access_chain, migrations
from infra.event_store import codec

_MEANINGS: Final = {
    "position": "Place in the log: 1, 2, 3 … without a gap.",
    "stream": "What it happened to: an order, a ticket, a customer's identity, a message.",
    "version": "Place in its stream, from 1.",
    "type": "Stored name of the [fact](facts.md).",
    "type_version": "Version of that name's fields.",
    "shop": "Whose fact it is.",
    "source": "Channel of the shop that it came by: site, app, ERP.",
    "origin": "The identity that it began with, whose key seals it; null: it is nobody's.",
    "subject": "The customer that the origin belonged to when it was recorded.",
    "occurred_at": "When it happened, by the sender's clock, corrected; never after recorded_at.",
    "recorded_at": "When it was recorded; never goes back.",
    "actor_kind": "What said so: key, person, process or system.",
    "actor_id": "Its id.",
    "correlation": "Id of the request that it came of; empty where there was none.",
    "causation": "What it was recorded because of: of a shop's report, the message.",
    "body": "The fact itself: JSON, personal fields sealed.",
}

_BYTES: Final = {
    "bigint": "8 bytes, signed",
    "integer": "4 bytes, signed",
    "smallint": "2 bytes, signed",
    "uuid": "16 bytes",
    "text": "UTF-8",
    "bytea": "the bytes",
    "timestamptz": "8 bytes, signed: microseconds since 2000-01-01 00:00 UTC",
}

_ABOUT: Final = """
Every append writes one row into `log.batch`: its last position, how many facts it holds, and

    chain = SHA-256(chain of the batch before || row || row || ...)

over its facts in the order of their positions. The chain before the first batch is 32 zero bytes.
So the chain of the last batch vouches for every fact before it: keep a copy of it elsewhere, and
nobody can change, add or drop an old fact unnoticed.
"""

_VERIFIED: Final = """
`huike audit verify` makes every hash again from the rows, and names the first batch that is wrong:
its positions, when it was recorded, by whom, and what is wrong with it.

| it says | when |
| --- | --- |
| `changed` | a fact of the batch was changed, put in or moved, or the batch's hash or time was |
| `removed`, `inserted` | it has fewer facts than positions, or more |
| `batch` | a batch before it was removed, or its count changed |
| `loose` | facts stand behind the last batch, which nobody vouches for |

It takes the log as it ends when the command begins: what is written meanwhile is no break. Nor is
it one when somebody is forgotten: that destroys keys, and no fact. Whoever owns the tables can also
make the *whole* chain anew behind a change, or cut off the log's end; then all of it follows, and
only a seal from before shows it: `rewritten`, or `shortened`.
"""

_COST: Final = """
Of bulk append the chain takes about 2 % of the CPU: 0.42 µs of the 18.8 µs that a fact of 577 bytes
takes our process and Postgres together (November 2026, Python 3.11 on two shared cores; medians of
five times 50,000 facts; CPU time, since the machine was busy). `python -m tests.bench.chained`, in
a checkout, measures it: it appends, then makes the same hashes of the same bytes.

To verify, a fact takes our process 1.9 µs of CPU where batches have 1,000 facts, 2.4 µs where each
has 10, and 8.7 µs where each has one; Postgres copies meanwhile, in a process of its own.
"""

_SEALS: Final = """
`huike audit seal` signs where the log ends, with Ed25519: [how to](../how-to/seal-the-log.md). A
seal is a line of JSON: `log` (the log's incarnation), `position` (a batch's last), `chain` (of that
batch), `peaks` (see below), `sealed_at`, `reads` (the `last` read of the access log, 0 where there
is none, and its `chain`), `key` (the public one, 32 bytes) and `signature`; hashes are in
hexadecimal, the key and the signature in base64.
What is signed are these lines, each with a line feed, in UTF-8:

```text
Huike seal 2
the log's incarnation
the position
the chain
the peaks, with a space between each two
the time, as 2026-11-20T10:15:00.123456+00:00 (the fraction only when there is one)
the last read
its chain
```

Seals of version 1 say nothing of reads: `Huike seal 1`, and no more than the time.

The *peaks* vouch for each fact by itself: with a few hashes more, one fact is proven to whoever may
not see the others. They are the roots of a Merkle mountain range over the facts, in the order of
their positions. A leaf is SHA-256(byte 0 || the fact's canonical bytes), a node SHA-256(byte 1 ||
left || right). Of *n* facts, each 1 in the binary digits of *n*, from the left, is a whole tree of
as many leaves as the digit counts, and its root is a peak.
"""

_READS: Final = """
Reads of personal data are chained as well, each by itself: `chain` in a row of `log.access` is

    SHA-256(chain of the read before || row)

where the row is the tuple of binary `COPY` (see below) of these columns:

    @

The chain before the first is 32 zero bytes. Ids have no gap. Reads from before there was a chain
have none, and are counted.

`huike audit verify` makes these hashes again too, and names the first read that is wrong:

| it says | when |
| --- | --- |
| `changed` | it was changed, put in or moved, or the first of them was removed |
| `removed` | ids are missing |
| `inserted` | a read behind the first chained one has no chain, or was said to be destroyed |
| `rewritten`, `shortened` | a seal says otherwise: the chain was made anew, or the end cut off |

What retention destroyed is no break: its certificates, in `log.retention`, say in `runs` from which
id to which, and the chain of the last, with which the next goes on. They are believed when the key
of this Huike signed them, or one that `--public-key` names; sealing, which only asks whether the
chain follows, takes those of any key. Of a log that was restored from a backup, reads that were
lost with it are missing for seals that were made after it.

A read by itself takes our process 165 µs of CPU and PostgreSQL 110 (before there was a chain: 129
and 60; a read waits longer for its commit), one of fifty that come together 9 and 9 (before: 24 and
18: they are copied now, where each was inserted). A hash of it is 1.1 µs; to verify it takes 4 µs
(November 2026, Python 3.11 on two shared cores; medians of five times; reads of 460 bytes).
"""

_CANONICAL: Final = """
The canonical bytes of a row are the tuple that PostgreSQL's binary `COPY` writes: a 16-bit count of
fields (16), then for each column a 32-bit length (-1 for null) and the value in PostgreSQL's binary
format. All numbers are big-endian. So an auditor needs no program of ours: `copy ... to stdout
(format binary)` gives the bytes. [A script that does it](../how-to/check-the-chain.md).
"""


def page() -> str:
    """Return the page of the chain."""
    types = _types()
    names = [name.strip() for name in codec.COLUMNS.split(",")]
    rows = [
        [str(n), code(name), types[name], _BYTES[types[name]], _MEANINGS[name]]
        for n, name in enumerate(names, 1)
    ]
    return document(
        "The log's columns and its chain",
        _ABOUT,
        "## What is checked",
        _VERIFIED,
        "## What it costs",
        _COST,
        "## Seals",
        _SEALS,
        "## The access log",
        _READS.replace("@", access_chain.COLUMNS),
        "## Canonical bytes",
        _CANONICAL,
        "## The columns",
        "Of `log.fact`, in the order in which they are hashed.",
        table(["", "column", "type", "value", "meaning"], rows),
        "## An example",
        *_example(),
    )


def _types() -> dict[str, str]:
    text = files(migrations).joinpath("0001_log.sql").read_text(encoding="utf-8")
    found = re.search(r"create table log\.fact \((.*?)\n\) partition", text, re.DOTALL)
    assert found is not None
    pairs = (
        line.split()[:2] for line in found[1].splitlines() if "not null" in line or "uuid" in line
    )
    return {name: type_.rstrip(",") for name, type_ in pairs if name != "primary"}


def _example() -> list[str]:
    when = codec.microseconds(datetime(2026, 11, 20, 10, 15, tzinfo=UTC))
    origin = UUID("22222222-2222-8222-8222-222222222222")
    body = b'{"amount":"42.50","currency":"USD"}'
    row = codec.pack_fact(
        1,
        UUID("11111111-1111-8111-8111-111111111111"),
        1,
        codec.type_chunk("order.paid", 1),
        codec.text("shop") + codec.text("site"),
        codec.uuid(origin) * 2,
        when,
        when + 1_000_000,
        codec.text("key") + codec.text("k1") + codec.text("") + codec.uuid(None),
        body,
    )
    told = (
        "The first fact of a log: payment of an order, version 1 of stream "
        "`11111111-1111-8111-8111-111111111111`, shop `shop`, source `site`, origin and subject "
        f"`{origin}`, occurred at 2026-11-20 10:15:00 UTC, recorded a second later, actor `key` "
        f"`k1`, no correlation, no causation, body `{body.decode()}`."
    )
    return [
        told,
        "Its bytes:",
        block("text", "\n".join(row[i : i + 32].hex() for i in range(0, len(row), 32))),
        "The chain of a first batch with this fact alone:",
        block("text", hashlib.sha256(bytes(32) + row).hexdigest()),
    ]
