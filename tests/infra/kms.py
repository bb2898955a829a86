"""A KMS of the tests' own: `openssl`, which is on every machine, with a key for each name."""

from pathlib import Path
from typing import Final

from infra.vault import Command

_SCRIPT: Final = """#!/bin/sh
set -eu
cd {folder}
echo "$*" >> asked
case $1 in
  wrap)
    [ -e "$2.key" ] || openssl rand -hex 32 > "$2.key"
    openssl enc -aes-256-cbc -pbkdf2 -iter 1000 -pass "file:$2.key" ;;
  unwrap) openssl enc -d -aes-256-cbc -pbkdf2 -iter 1000 -pass "file:$2.key" ;;
  destroy) rm -f "$2.key" ;;
esac
"""


class Kms:
    """Where it is, what it was asked, and how it is asked."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.line = str(program(folder / "kms", _SCRIPT.format(folder=folder)))
        self.vault = Command(self.line)

    @property
    def asked(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def names(self) -> set[str]:
        """What it has keys for."""
        return {key.stem for key in self.folder.glob("*.key")}


def program(file: Path, script: str) -> Path:
    """Write a program for the shell."""
    file.write_text(script)
    file.chmod(0o700)
    return file
