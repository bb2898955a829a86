"""Pages about being forgotten, in English and Chinese: to ask for it, and what was done."""

from collections.abc import Iterable, Mapping
from html import escape
from string import Template
from typing import Final

from api.parameters import Language
from infra.erasure_certificate import ErasureCertificate

_PAGE: Final = Template("""<!doctype html>
<html lang="$lang">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 1rem/1.6 system-ui, "Noto Sans CJK SC", sans-serif; color: #1a1a1a; background: #fff;
  max-width: 42rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.3; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: start; vertical-align: top; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid #ddd; overflow-wrap: anywhere; }
th { font-weight: 600; width: 40%; }
button { font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: .3rem; color: #fff;
  background: #a3211b; cursor: pointer; }
button:focus-visible { outline: 3px solid #1a1a1a; outline-offset: 2px; }
.small { font-size: .85rem; color: #555; }
@media print { body { margin: 0; max-width: none; } }
</style>
</head>
<body>
<main>
<h1>$title</h1>
$body
</main>
</body>
</html>
""")

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
    "digest": "SHA-256",
    "public_key": "Public key (Ed25519)",
    "signature": "Signature",
    "check": "The file can be checked with `huike erasure verify FILE`.",
}
_CHINESE: Final[Mapping[str, str]] = {
    "ask": "要我们遗忘您吗？",
    "ask.what": "您的姓名、地址、留言以及一切可以辨认您的信息将变得不可读取，"
    "我们自己也无法再读取，且无法恢复。您的购买仍计入统计，但与您无关。",
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
    "digest": "SHA-256",
    "public_key": "公钥（Ed25519）",
    "signature": "签名",
    "check": "可用 `huike erasure verify FILE` 校验本文件。",
}
WORDS: Final = {Language.ENGLISH: _ENGLISH, Language.CHINESE: _CHINESE}
_OTHER: Final = {
    Language.ENGLISH: Language.CHINESE,
    Language.CHINESE: Language.ENGLISH,
}


def asking_page(token: str, lang: Language) -> str:
    """Ask a customer whether they mean it."""
    words, other = WORDS[lang], _OTHER[lang]
    here = f"/forget-me?token={escape(token)}&amp;lang="
    yes = f"<button>{escape(words['ask.yes'])}</button>"
    turn = f'<a lang="{other}" href="{here}{other}">{words["other"]}</a>'
    return _page(
        lang,
        words["ask"],
        [
            _p(words["ask.what"]),
            _p(words["ask.when"]),
            f'<form method="post" action="{here}{lang}">{yes}</form>',
            f'<p class="small">{turn}</p>',
        ],
    )


def asked_page(days: int, lang: Language) -> str:
    """Tell a customer that it is going to be done."""
    words = WORDS[lang]
    when = words["asked.when"].format(days=days) if days else words["asked.now"]
    return _page(lang, words["asked"], [_p(when)])


def lost_page(lang: Language) -> str:
    """Tell that a link does not work."""
    words = WORDS[lang]
    return _page(lang, words["lost"], [_p(words["lost.what"])])


def certificate_page(certificate: ErasureCertificate, lang: Language) -> str:
    """Show a certificate, to print."""
    words, it = WORDS[lang], certificate.certified
    told: list[tuple[str, Iterable[str]]] = [
        (name, [str(getattr(it, name))]) for name in ("customer", "erasure", "installation", "shop")
    ]
    told += [
        ("asked_by", [words.get(f"asked_by.{it.asked_by}", it.asked_by)]),
        ("requested_at", [_at(it.requested_at)]),
        ("erased_at", [_at(it.erased_at)]),
        ("position", [f"{it.position:,}"]),
        (
            "keys",
            [
                f"{key.identity}: "
                + words["generation"].format(generation=key.generation, at=_at(key.destroyed_at))
                for key in it.keys
            ],
        ),
        ("facts", [words["between"].format(facts=it.facts, first=it.first, last=it.last)]),
        ("originals", [f"{it.originals:,}"]),
        ("columns", [f"{name}: {rows:,}" for name, rows in sorted(it.columns.items())]),
        ("refused", [f"{it.refused:,}"]),
        ("answers", [f"{it.answers:,}"]),
        ("epoch", [words["epoch.what"].format(epoch=it.epoch)]),
        ("digest", [certificate.digest]),
        ("public_key", [certificate.public_key]),
        ("signature", [certificate.signature]),
    ]
    rows = "".join(
        f'<tr><th scope="row">{escape(words[name])}</th>'
        f"<td>{'<br>'.join(map(escape, lines))}</td></tr>"
        for name, lines in told
    )
    check = f'<p class="small">{escape(words["check"])}</p>'
    return _page(lang, words["paper"], [_p(words["paper.what"]), f"<table>{rows}</table>", check])


def _at(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _p(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _page(lang: Language, title: str, parts: Iterable[str]) -> str:
    told = {"lang": "zh-Hans" if lang is Language.CHINESE else "en", "title": escape(title)}
    return _PAGE.substitute(told, body="\n".join(parts))
