"""The key that backups are sealed with: a file, to be kept apart from them."""

import base64
import binascii
import hashlib
import secrets
from pathlib import Path
from typing import Final, Self

import msgspec

from infra.backup.unusable import MissingKey, NoKey
from infra.secret_files import created

_MARK: Final = "huike-backup-key:1:"
_LENGTH: Final = 32


class BackupKey(msgspec.Struct, frozen=True):
    """32 secret bytes; `id` tells keys apart and says nothing of them."""

    secret: bytes

    @property
    def id(self) -> str:
        return hashlib.sha256(b"huike backup key|" + self.secret).hexdigest()[:16]

    @classmethod
    def make(cls, file: Path) -> Self:
        """Write a new key to a file. Raises FileExistsError: what it opens would be lost."""
        made = cls(secrets.token_bytes(_LENGTH))
        with created(file) as out:
            out.write(f"{_MARK}{base64.b64encode(made.secret).decode()}\n".encode())
        return made

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a key. Raises NoKey, MissingKey, OSError."""
        try:
            told = file.read_text(encoding="ascii").strip()
            secret = base64.b64decode(told.removeprefix(_MARK), validate=True)
        except FileNotFoundError:
            raise MissingKey(file) from None
        except (UnicodeDecodeError, binascii.Error):
            raise NoKey(file) from None
        if not told.startswith(_MARK) or len(secret) != _LENGTH:
            raise NoKey(file)
        return cls(secret)
