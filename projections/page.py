"""The look of every page that people are handed: one style, nothing from elsewhere, no script."""

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Final

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --wash: #f3f5f2; --ink: #1c2226; --soft: #565f66;
  --line: #d5dad7; --leaf: #1d6648; --stop: #a3211b; --on-stop: #fff; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181a; --wash: #1e2427; --ink: #e5e8e7;
  --soft: #a7b0b3; --line: #39424a; --leaf: #8bd0ad; --stop: #ff9d93; --on-stop: #2b0705; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: break-word;
  font: 1rem/1.6 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: clamp(1.5rem, 6vw, 4rem) 1.25rem 5rem; }
main.wide { max-width: 70rem; }
h1, h2 { line-height: 1.25; text-wrap: balance; break-after: avoid; }
h1 { font-size: clamp(1.5rem, 5vw, 2rem); margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 .75rem; padding-bottom: .4rem;
  border-bottom: 2px solid var(--leaf); }
p { margin: 0 0 1rem; }
a { color: var(--leaf); text-underline-offset: .2em; }
small, .small { font-size: .8125rem; color: var(--soft); }
code, pre, .id { font: .8125rem/1.5 ui-monospace, Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }
pre { margin: 0; padding: .75rem 1rem; white-space: pre-wrap; background: var(--wash);
  border-radius: .375rem; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: .5rem 1.5rem; border: 0;
  border-radius: .375rem; color: var(--on-stop); background: var(--stop); cursor: pointer; }
:focus-visible { outline: 3px solid var(--leaf); outline-offset: 3px; }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0; columns: 16rem; }
nav li { padding: .2rem 0; break-inside: avoid; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: start; vertical-align: top; padding: .5rem 1rem .5rem 0;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
td { overflow-wrap: anywhere; }
tr { break-inside: avoid; }
.pairs { display: grid; grid-template-columns: 12rem minmax(0, 1fr); gap: .2rem 1rem;
  margin: 0; }
.pairs + .timed { margin-top: .5rem; }
.pairs > div { display: contents; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.entries { list-style: none; margin: 0; padding: 0; }
.entries > li { padding: .75rem 0; break-inside: avoid; }
.entries > li + li { border-top: 1px solid var(--line); }
.entries p { margin: 0; font-weight: 600; }
.entries small { display: block; }
.timed { display: grid; grid-template-columns: 12rem minmax(0, 1fr); gap: 0 1rem; }
.wide .timed { grid-template-columns: 6rem minmax(0, 1fr); }
.timed > :first-child { color: var(--soft); font-size: .875rem; line-height: 1.8; }
.beside { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0; font-size: .875rem; }
.beside > div { display: flex; gap: .4rem; min-width: 0; }
.beside dt { flex: none; }
.gone { font-style: italic; color: var(--soft); }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem 3rem; }
:lang(zh) { line-height: 1.75; }
@media (max-width: 40rem) {
  .timed, .wide .timed, .two { grid-template-columns: minmax(0, 1fr); }
  .pairs { grid-template-columns: minmax(5rem, 30%) minmax(0, 1fr); }
  .pairs dt { font-size: .875rem; }
  .stacked thead { position: absolute; clip-path: inset(50%); }
  .stacked tr, .stacked td, .stacked th { display: block; width: auto; }
  .stacked tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  .stacked td, .stacked th { border: 0; padding: .1rem 0; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --wash: #fff; --ink: #000; --soft: #444;
    --line: #bbb; --leaf: #000; }
  body { font-size: 10pt; }
  main, main.wide { max-width: none; padding: 0; }
  h1 { font-size: 16pt; } h2 { font-size: 12pt; margin-top: 1.5rem; }
  nav, form, .screen { display: none; }
  .entries > li { padding: .4rem 0; }
  th, td { padding: .2rem 1rem .2rem 0; }
  pre { padding: 0; }
}
@page { margin: 18mm 16mm; }
"""

_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # an address may be a key
    "X-Content-Type-Options": "nosniff",
}
"""What a page is sent with; what of it can, stands in the page too, for who keeps it as a file."""

CLOSING: Final = "</main>\n</body>\n</html>\n"

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)


def opening(title: str, lang: str, *, heading: str | None = None, wide: bool = False) -> str:
    """Return a page up to its first heading: `heading`, as HTML, or the title itself."""
    main = '<main class="wide">' if wide else "<main>"
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{main}\n"
        f"<h1>{escape(title) if heading is None else heading}</h1>\n"
    )


def whole(title: str, lang: str, parts: Iterable[str]) -> str:
    """Return a page that is not long; `parts` are HTML."""
    return "".join((opening(title, lang), *(f"{part}\n" for part in parts), CLOSING))


def moment(at: datetime, lang: str, *, seconds: bool = False) -> str:
    """Return an instant in the reader's words, as HTML."""
    clock = f"{at:%H:%M:%S}" if seconds else f"{at:%H:%M}"
    if lang == "zh":
        told = f"{at.year}年{at.month}月{at.day}日 {clock}"
    else:
        told = f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {clock}"
    return f'<time datetime="{at.isoformat()}">{told}</time>'
