"""The page of an auditor's package that explains it: English and Chinese, nothing from outside."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import msgspec

from infra.evidence import Manifest
from infra.seals import Seal

_LONGEST: Final = 48

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}"
    "th,td{border-bottom:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}"
    "td code{overflow-wrap:anywhere}.two{display:grid;grid-template-columns:1fr 1fr;gap:2rem}"
    "@media(max-width:50rem){.two{grid-template-columns:1fr}}"
)

_ENGLISH: Final = """
<p>Each row below is a fact of Huike's log: what happened, when, who said so, and what it was
recorded because of. Facts are never edited. What may say who somebody is stays sealed here,
with the key of that person; it shows as “sealed”. A person who was forgotten has no key any
more.</p>
<p><strong>What is proven.</strong> <code>facts.jsonl</code> has the bytes of each fact as the
log has them, and the few hashes that lead from them to a seal in <code>seals.jsonl</code>. A
seal was signed when the log ended at its position. So each fact stands in the log at its
place, unchanged since that seal, and nobody else's facts need be shown for it. A seal that
you received on its day, apart from this package, proves it against us too: compare.
<code>manifest.json</code> has the digests of all files, and is signed.</p>
<p><strong>What is not.</strong> That these are all facts that were asked for, and the reads
in <code>access.jsonl</code>, rest on the signature of whoever made the package.</p>
<p><strong>To check it</strong>, without a database: <code>huike audit check FILE.zip
--public-key KEY.pem --against SEALS.jsonl</code></p>
"""

_CHINESE: Final = """
<p>下面每一行是 Huike 日志中的一条事实：发生了什么、何时、由谁说的、因何而记录。事实从不修改
。凡可能表明某人身份的内容，在这里仍以此人的密钥封存，显示为 “sealed”；已被遗忘的人不再有密
钥。</p>
<p><strong>能证明什么。</strong><code>facts.jsonl</code> 含有每条事实在日志中的原始字节，以
及由它通向<code>seals.jsonl</code> 中某个封印的少数哈希。封印是在日志到达该位置时签署的。因
此每条事实都在日志中它的位置上，自封印以来未被改动，而且无须出示他人的事实。若您当日已在本包
之外收到该封印，则它对我们自己也同样有效：请比对。<code>manifest.json</code> 含有所有文件的
摘要，并经签名。</p>
<p><strong>不能证明什么。</strong>所要求的事实是否齐全，以及 <code>access.jsonl</code> 中的
查阅记录，以制作本包者的签名为凭。</p>
<p><strong>如何核对</strong>（无需数据库）：<code>
huike audit check FILE.zip --public-key KEY.pem --against SEALS.jsonl</code></p>
""".replace("\n", "")


def page(
    manifest: Manifest,
    facts: Sequence[Mapping[str, Any]],
    seals: Sequence[Seal],
    reads: Sequence[Mapping[str, Any]],
) -> str:
    """Return the page as HTML."""
    about = ", ".join(f"{name} {value}" for name, value in manifest.about.items())
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>Huike: {escape(about)}</title><style>{_STYLE}</style></head><body>",
            "<h1>What the log says · 日志所记</h1>",
            f"<p>{escape(about)}<br>{manifest.made_at:%Y-%m-%d %H:%M:%S} UTC",
            f" · log · 日志 <code>{manifest.log}</code></p>",
            f'<div class="two"><section lang="en">{_ENGLISH}</section>',
            f'<section lang="zh">{_CHINESE}</section></div>',
            f"<h2>Facts · 事实 ({len(facts):,})</h2>",
            _table(("position · 位置", "recorded · 记录", "occurred · 发生", "fact · 事实",
                    "by · 由", "because of · 因", "says · 内容"), map(_fact, facts)),
            f"<h2>Seals · 封印 ({len(seals):,})</h2>",
            _table(("position · 位置", "sealed · 封印", "chain · 链"), map(_seal, seals)),
            f"<h2>Who read personal data · 谁查阅了个人数据 ({len(reads):,})</h2>",
            _table(("when · 何时", "by · 由", "what · 何事", "request · 请求"), map(_read, reads)),
            "</body></html>\n",
        )
    )  # fmt: skip  # as the page reads


def _table(heads: Sequence[str], rows: Any) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _fact(fact: Mapping[str, Any]) -> list[str]:
    because = " ".join(str(fact[name]) for name in ("correlation", "causation") if fact[name])
    said = msgspec.json.encode(_short(fact["body"])).decode()
    cells = (
        f"{fact['position']:,}",
        _when(fact["recorded_at"]),
        _when(fact["occurred_at"]),
        f"{fact['type']} v{fact['type_version']}",
        f"{fact['actor_kind']} {fact['actor_id']}",
        because,
    )
    return [*map(escape, cells), f"<code>{escape(said)}</code>"]


def _seal(seal: Seal) -> list[str]:
    when = f"{seal.sealed_at:%Y-%m-%d %H:%M:%S}"
    return [f"{seal.position:,}", when, f"<code>{seal.chain}</code>"]


def _read(read: Mapping[str, Any]) -> list[str]:
    by = f"{read['actor_kind']} {read['actor_id']}"
    return [escape(str(one)) for one in (read["at"], by, read["operation"], read["request"])]


def _when(moment: str) -> str:
    return moment[:19].replace("T", " ")


def _short(value: Any) -> Any:
    """Return a body with what is sealed, or long, made short."""
    if isinstance(value, dict):
        return "sealed" if value.keys() == {"sealed"} else {k: _short(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_short(one) for one in value]
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}…"
    return value
