"""Writes every generated page: `make docs`."""

import sys

from docs.generate.pages import REFERENCE, written

for name, text in written().items():
    (REFERENCE / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"docs/reference/{name}\n")
