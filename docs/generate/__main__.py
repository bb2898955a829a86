"""Writes every generated page: `make docs`."""

import sys

from docs.generate.pages import DOCS, written

for name, text in written().items():
    (DOCS / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"docs/{name}\n")
