"""Pages about being forgotten, in English and Chinese: to ask for it, and what was done."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from html import escape
from typing import Final
from urllib.parse import quote

from api.parameters import Language
from api.staying import STAYS
from infra.erasure_certificate import CertifiedErasure, ErasureCertificate
from projections.page import moment, whole

_ENGLISH: Final[Mapping[str, str]] = {
    "ask": "Shall we forget you?",
    "ask.what": "Your name, addresses, messages and everything else by which you can be known are "
    "then made unreadable, for us too, and cannot be brought back. What you bought stays in our "
    "figures, without you.",
    "ask.when": "It is done after a few days, once no order of yours is under way and no law "
    "forbids it.",
    "ask.yes": "Yes, forget me",
    "other": "中文",
    "asked": "We are going to forget you",
    "asked.when": "Earliest in {days} days. If you change your mind before, tell us.",
    "asked.now": "As soon as no order of yours is under way and no law forbids it.",
    "lost": "This link does not work",
    "lost.what": "It has ended, or was not copied whole. Ask the shop for a new one.",
    "paper": "Certificate of erasure",
    "paper.what": "The keys named here are destroyed. What was sealed with them cannot be read any "
    "more by anybody.",
    "customer": "Customer",
    "erasure": "Erasure",
    "installation": "Installation",
    "shop": "Shop",
    "asked_by": "Asked by",
    "asked_by.officer": "the shop",
    "asked_by.customer": "the customer",
    "requested_at": "Asked at",
    "erased_at": "Forgotten at",
    "position": "Position in the log",
    "keys": "Keys destroyed",
    "facts": "Facts of the customer",
    "originals": "Messages as they were sent, unreadable",
    "columns": "Sealed values taken out of views",
    "refused": "Refused events deleted",
    "answers": "Kept answers deleted",
    "epoch": "Epoch",
    "epoch.what": "{epoch}; backups made before open no more once its key is destroyed",
    "generation": "generation {generation}, destroyed at {at}",
    "between": "{facts}, between positions {first} and {last}",
    "digest": "SHA-256 of what is certified",
    "digest.what": "of “certified” in the file, without the spaces between values, "
    "as the log says it; that of the whole file is another",
    "public_key": "Public key (Ed25519)",
    "signature": "Signature",
    "utc": " UTC",
    "check": "The file can be checked with {command}.",
    "stays": "What stays in the clear",
    "stays.what": "It is needed for figures, and does not say who the customer was:",
}
_CHINESE: Final[Mapping[str, str]] = {
    "ask": "要我们遗忘您吗？",
    "ask.what": "您的姓名、地址、留言以及一切可以辨认您的信息将变得不可读取，"
    "我们自己也无法再读取，且无法恢复。您的购买仍计入统计，但不再与您有任何关联。",
    "ask.when": "几天之后执行；若有未完成的订单或法律禁止，则等到条件解除。",
    "ask.yes": "是的，请遗忘我",
    "other": "English",
    "asked": "我们将遗忘您",
    "asked.when": "最早于 {days} 天后执行。在此之前如改变主意，请告知我们。",
    "asked.now": "待没有未完成的订单且法律不禁止时立即执行。",
    "lost": "此链接无效",
    "lost.what": "链接已过期或未完整复制。请向商店索取新的链接。",
    "paper": "数据销毁证明",
    "paper.what": "下列密钥已被销毁，用其加密的内容任何人都无法再读取。",
    "customer": "客户",
    "erasure": "遗忘编号",
    "installation": "系统",
    "shop": "商店",
    "asked_by": "申请人",
    "asked_by.officer": "商店",
    "asked_by.customer": "客户本人",
    "requested_at": "申请时间",
    "erased_at": "遗忘时间",
    "position": "日志位置",
    "keys": "已销毁的密钥",
    "facts": "该客户的事实",
    "originals": "已不可读取的原始消息",
    "columns": "从视图中清除的加密值",
    "refused": "已删除的被拒事件",
    "answers": "已删除的留存应答",
    "epoch": "密钥纪元",
    "epoch.what": "{epoch}；该纪元密钥销毁后，此前的备份也无法打开",
    "generation": "第 {generation} 代，销毁于 {at}",
    "between": "{facts} 条，位于 {first} 至 {last} 之间",
    "digest": "所证明内容的 SHA-256",
    "digest.what": "取自文件中 “certified” 一项，不含值之间的空格，与日志所记相同；"
    "整个文件的 SHA-256 与此不同",
    "public_key": "公钥（Ed25519）",
    "signature": "签名",
    "utc": "（协调世界时）",
    "check": "可用 {command} 校验本文件。",
    "stays": "仍以明文保留的内容",
    "stays.what": "以下内容用于统计，不表明客户是谁：",
}
WORDS: Final = {Language.ENGLISH: _ENGLISH, Language.CHINESE: _CHINESE}
_OTHER: Final = {
    Language.ENGLISH: Language.CHINESE,
    Language.CHINESE: Language.ENGLISH,
}


def asking_page(token: str, lang: Language) -> str:
    """Ask a customer whether they mean it."""
    words = WORDS[lang]
    yes = f"<button>{escape(words['ask.yes'])}</button>"
    return whole(
        words["ask"],
        lang,
        [
            _p(words["ask.what"]),
            _p(words["ask.when"]),
            f'<form method="post" action="{_here(token, lang)}"><p>{yes}</p></form>',
            _turn(token, lang),
        ],
    )


def asked_page(days: int, lang: Language) -> str:
    """Tell a customer that it is going to be done."""
    words = WORDS[lang]
    when = words["asked.when"].format(days=days) if days else words["asked.now"]
    return whole(words["asked"], lang, [_p(when)])


def lost_page(token: str, lang: Language) -> str:
    """Tell that a link does not work."""
    words = WORDS[lang]
    return whole(words["lost"], lang, [_p(words["lost.what"]), _turn(token, lang)])


def certificate_page(certificate: ErasureCertificate, lang: Language) -> str:
    """Show a certificate, to print."""
    words = WORDS[lang]
    rows = "".join(
        f'<tr><th scope="row">{escape(words[name])}</th><td>{value}</td></tr>'
        for name, value in _rows(certificate, lang)
    )
    command = "<code>huike erasure verify FILE</code>"
    check = f'<p class="small">{escape(words["check"]).format(command=command)}</p>'
    table = f'<table class="stacked"><tbody>{rows}</tbody></table>'
    stays = (
        f"<h2>{escape(words['stays'])}</h2>{_p(words['stays.what'])}"
        f"<ul>{''.join(f'<li>{escape(line.words[lang])}</li>' for line in STAYS)}</ul>"
    )
    return whole(words["paper"], lang, [_p(words["paper.what"]), table, stays, check])


def _rows(certificate: ErasureCertificate, lang: Language) -> Iterator[tuple[str, str]]:
    """Yield what a certificate says: the name of each value, and the value as HTML."""
    words, it = WORDS[lang], certificate.certified
    for name in ("customer", "erasure", "installation", "shop"):
        yield name, _id(getattr(it, name))
    yield "asked_by", escape(words.get(f"asked_by.{it.asked_by}", it.asked_by))
    yield "requested_at", _at(it.requested_at, lang)
    yield "erased_at", _at(it.erased_at, lang)
    yield "position", f"{it.position:,}"
    yield "keys", _keys(it, lang)
    yield (
        "facts",
        escape(
            words["between"].format(
                facts=f"{it.facts:,}", first=f"{it.first:,}", last=f"{it.last:,}"
            )
        ),
    )
    yield "originals", f"{it.originals:,}"
    yield (
        "columns",
        _lines(f"{escape(name)}: {rows:,}" for name, rows in sorted(it.columns.items())),
    )
    yield "refused", f"{it.refused:,}"
    yield "answers", f"{it.answers:,}"
    yield "epoch", escape(words["epoch.what"].format(epoch=it.epoch))
    yield "digest", _lines((_id(certificate.digest), escape(words["digest.what"])))
    yield "public_key", _id(certificate.public_key)
    yield "signature", _id(certificate.signature)


def _keys(it: CertifiedErasure, lang: Language) -> str:
    return _lines(
        f"{_id(key.identity)}<br>"
        + escape(WORDS[lang]["generation"]).format(
            generation=key.generation, at=_at(key.destroyed_at, lang)
        )
        for key in it.keys
    )


def _lines(lines: Iterable[str]) -> str:
    return "<br>".join(lines) or "–"


def _id(value: object) -> str:
    return f'<span class="id">{escape(str(value))}</span>'


def _at(at: datetime, lang: Language) -> str:
    return f"{moment(at, lang, seconds=True)}{WORDS[lang]['utc']}"


def _p(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _here(token: str, lang: Language) -> str:
    return f"/forget-me?token={escape(quote(token))}&amp;lang={lang}"


def _turn(token: str, lang: Language) -> str:
    """Lead to the page in the other language."""
    other = _OTHER[lang]
    link = f'<a lang="{other}" hreflang="{other}" href="{_here(token, other)}">'
    return f'<p class="screen">{link}{WORDS[lang]["other"]}</a></p>'
