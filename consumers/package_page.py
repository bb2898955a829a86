"""The page of an auditor's package that explains it: English and Chinese, nothing from outside."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

import msgspec

from infra.evidence import Actor, Manifest
from infra.seals import Seal
from projections.page import CLOSING, opening

_Names = Mapping[tuple[str, str], str | None]

_LONGEST: Final = 48
_SEALED: Final = "sealed 封存"

_NOT_HERE: Final = (
    "Not in this package: what it is about is no person. Ask for a customer, or for a period.",
    "不在本包内：所涉并非某个人。请按客户或按时段索取。",
)
_DESTROYED: Final = (
    "Not in this package, since retention has destroyed them: the reads of",
    "下列月份的查阅记录已按保留期销毁，不在本包内：",
)

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
<p><strong>What is not.</strong> That these are all facts that were asked for, the reads in
<code>access.jsonl</code>, and who is who in <code>actors.jsonl</code> (as it was kept when the
package was made), rest on the signature of whoever made the package.</p>
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
<p><strong>不能证明什么。</strong>所要求的事实是否齐全、<code>access.jsonl</code> 中的查阅记
录，以及 <code>actors.jsonl</code> 中各行为者的身份（制作本包时所存），以制作本包者的签名为凭。
</p>
<p><strong>如何核对</strong>（无需数据库）：<code>
huike audit check FILE.zip --public-key KEY.pem --against SEALS.jsonl</code></p>
""".replace("\n", "")


def page(  # noqa: PLR0913  # what a package has
    manifest: Manifest,
    facts: Sequence[Mapping[str, Any]],
    seals: Sequence[Seal],
    reads: Sequence[Mapping[str, Any]] | None,
    actors: Sequence[Actor],
    *,
    destroyed: Sequence[str] = (),
) -> str:
    """Return the page as HTML.

    `reads`: None when they are not in the package. `destroyed`: months of reads that nobody has.
    """
    names = {(one.kind, one.id): one.name for one in actors}
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
            f'<ol class="entries">{"".join(_fact(one, names) for one in facts)}</ol>\n',
            f"<h2>{_both('Actors', '行为者')} ({len(actors):,})</h2>\n",
            _table(
                ("name", "名称"),
                ("kind and id", "类别与编号"),
                ("roles and scopes", "角色与权限"),
                ("shop", "店铺"),
                ("expires", "到期"),
                ("revoked", "吊销"),
                rows=map(_actor, actors),
            ),
            f"<h2>{_both('Seals', '封印')} ({len(seals):,})</h2>\n",
            _table(
                ("position", "位置"), ("sealed", "封印"), ("chain", "链"), rows=map(_seal, seals)
            ),
            *_reads(reads, names, destroyed),
            CLOSING,
        )
    )


def _reads(
    reads: Sequence[Mapping[str, Any]] | None, names: _Names, destroyed: Sequence[str]
) -> Iterator[str]:
    heading = _both("Who read personal data", "谁查阅了个人数据")
    if reads is None:
        yield f"<h2>{heading}</h2>\n<p>{_both(*_NOT_HERE)}</p>\n"
        return
    yield f"<h2>{heading} ({len(reads):,})</h2>\n"
    if destroyed:
        told = escape(", ".join(destroyed))
        yield f"<p>{_both(f'{_DESTROYED[0]} {told}.', f'{_DESTROYED[1]}{told}。')}</p>\n"
    yield _table(
        ("when", "何时"),
        ("by", "由"),
        ("what", "何事"),
        ("whose", "谁的"),
        ("request", "请求"),
        rows=(_read(one, names) for one in reads),
    )


def _both(english: str, chinese: str) -> str:
    return f'{english} <span lang="zh">{chinese}</span>'


def _table(*heads: tuple[str, str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{_both(*one)}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    if not body:
        return f"<p>{_both('None.', '无。')}</p>\n"
    return f'<table class="stacked"><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>\n'


def _actor(actor: Actor) -> list[str]:
    ends = (_when(at.isoformat()) if at else "" for at in (actor.expires_at, actor.revoked_at))
    return [
        escape(actor.name or ""),
        _id(f"{actor.kind} {actor.id}"),
        escape(", ".join((*actor.roles, *actor.scopes))),
        escape(actor.shop or ""),
        *ends,
    ]


def _by(told: Mapping[str, Any], names: _Names) -> str:
    kind, which = str(told["actor_kind"]), str(told["actor_id"])
    name = names.get((kind, which))
    return f"{escape(name)} {_id(f'{kind} {which}')}" if name else escape(f"{kind} {which}")


def _fact(fact: Mapping[str, Any], names: _Names) -> str:
    told = "".join(
        f"<div><dt>{_both(*name)}</dt><dd>{value}</dd></div>"
        for name, value in (
            (("occurred", "发生"), _when(fact["occurred_at"])),
            (("recorded", "记录"), _when(fact["recorded_at"])),
            (("by", "由"), _by(fact, names)),
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


def _read(read: Mapping[str, Any], names: _Names) -> list[str]:
    whom = read["whom"]
    many = _both("an export", "导出") if whom is None else _id(" ".join(map(str, whom)))
    return [
        _when(str(read["at"])),
        _by(read, names),
        escape(str(read["operation"])),
        many,
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
