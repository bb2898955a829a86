"""The page of an auditor's package that explains it: English and Chinese, nothing from outside."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

import msgspec

from infra.evidence import Manifest
from infra.seals import Seal
from projections.page import CLOSING, opening

_LONGEST: Final = 48
_SEALED: Final = "sealed 封存"

_ENGLISH: Final = """
<p>Each entry below is a fact of Huike's log: what happened, when, who said so, and what it was
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
<p>下面每一条是 Huike 日志中的一个事实：发生了什么、何时、由谁说的、因何而记录。事实从不修改
。凡可能表明某人身份的内容，在这里仍以此人的密钥封存，显示为“封存”；已被遗忘的人不再有密钥。
</p>
<p><strong>能证明什么。</strong><code>facts.jsonl</code> 含有每条事实在日志中的原始字节，以
及由它通向 <code>seals.jsonl</code> 中某个封印的少数哈希。封印是在日志到达该位置时签署的。因
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
    zone = _both("(all times are UTC)", "（时间均为协调世界时）")
    made = f"{manifest.made_at:%Y-%m-%d %H:%M:%S} {zone}"
    return "".join(
        (
            opening(
                f"Huike: {about}", "en", heading=_both("What the log says", "日志所记"), wide=True
            ),
            f"<p><strong>{escape(about)}</strong><br>{made} · {_both('log', '日志')} ",
            f'<span class="id">{manifest.log}</span></p>\n',
            f'<div class="two"><section lang="en">{_ENGLISH}</section>\n',
            f'<section lang="zh">{_CHINESE}</section></div>\n',
            f"<h2>{_both('Facts', '事实')} ({len(facts):,})</h2>\n",
            f'<ol class="entries">{"".join(map(_fact, facts))}</ol>\n',
            f"<h2>{_both('Seals', '封印')} ({len(seals):,})</h2>\n",
            _table(
                ("position", "位置"), ("sealed", "封印"), ("chain", "链"), rows=map(_seal, seals)
            ),
            f"<h2>{_both('Who read personal data', '谁查阅了个人数据')} ({len(reads):,})</h2>\n",
            _table(
                ("when", "何时"),
                ("by", "由"),
                ("what", "何事"),
                ("request", "请求"),
                rows=map(_read, reads),
            ),
            CLOSING,
        )
    )


def _both(english: str, chinese: str) -> str:
    return f'{english} <span lang="zh">{chinese}</span>'


def _table(*heads: tuple[str, str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{_both(*one)}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    if not body:
        return f"<p>{_both('None.', '无。')}</p>\n"
    return f'<table class="stacked"><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>\n'


def _fact(fact: Mapping[str, Any]) -> str:
    told = "".join(
        f"<div><dt>{_both(*name)}</dt><dd>{value}</dd></div>"
        for name, value in (
            (("occurred", "发生"), _when(fact["occurred_at"])),
            (("recorded", "记录"), _when(fact["recorded_at"])),
            (("by", "由"), escape(f"{fact['actor_kind']} {fact['actor_id']}")),
            (("request", "请求"), _id(fact["correlation"])),
            (("because of", "因"), _id(fact["causation"])),
        )
        if value
    )
    said = msgspec.json.encode(_short(fact["body"])).decode()
    return (
        f'<li class="timed"><span>{fact["position"]:,}</span><div>'
        f"<p>{escape(fact['type'])} v{fact['type_version']}</p>"
        f'<dl class="beside">{told}</dl><code>{escape(said)}</code></div></li>\n'
    )


def _seal(seal: Seal) -> list[str]:
    return [f"{seal.position:,}", _when(seal.sealed_at.isoformat()), _id(seal.chain)]


def _read(read: Mapping[str, Any]) -> list[str]:
    by = f"{read['actor_kind']} {read['actor_id']}"
    return [
        _when(str(read["at"])),
        escape(by),
        escape(str(read["operation"])),
        _id(read["request"]),
    ]


def _id(value: object) -> str:
    return f'<span class="id">{escape(str(value))}</span>' if value else ""


def _when(moment: str) -> str:
    """Return an instant to the second: auditors compare it, in whichever language they read."""
    return f'<time datetime="{escape(moment)}">{escape(moment[:19].replace("T", " "))}</time>'


def _short(value: Any) -> Any:
    """Return a body with what is sealed, or long, made short."""
    if isinstance(value, dict):
        return _SEALED if value.keys() == {"sealed"} else {k: _short(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_short(one) for one in value]
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}…"
    return value
