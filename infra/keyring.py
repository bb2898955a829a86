"""The keyring: the installation's secrets, in a file that is kept apart from the database."""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class KeyringLost(Exception):
    """The keyring does not belong to this log; put back the file that was made with it."""


class Keyring:
    """The secret that ids are derived with, and the epoch keys that wrap everybody's keys."""

    def __init__(self, secret: bytes, epochs: dict[int, bytes]) -> None:
        self.secret = secret
        self.current = max(epochs)
        self._wrappers = {epoch: AESGCM(key) for epoch, key in epochs.items()}

    @classmethod
    def open(cls, file: Path) -> Self:
        """Read the keyring, or make a new one where there is none. Raises OSError, KeyringLost."""
        if not file.exists():
            cls._make(file)
        try:
            held = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                base64.b64decode(held["secret"]),
                {int(epoch): base64.b64decode(key) for epoch, key in held["epochs"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise KeyringLost(f"The keyring {file} cannot be read: put back a copy") from error

    @staticmethod
    def _make(file: Path) -> None:
        held = {
            "secret": base64.b64encode(secrets.token_bytes(32)).decode(),
            "epochs": {"1": base64.b64encode(secrets.token_bytes(32)).decode()},
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(held, out, indent=2)
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, file)  # fails when another process was first: then its keyring counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()

    def wrap(self, key: bytes, context: bytes) -> tuple[int, bytes]:
        """Wrap a key under the current epoch; return the epoch and the wrapped key."""
        nonce = os.urandom(12)
        return self.current, nonce + self._wrappers[self.current].encrypt(nonce, key, context)

    def unwrap(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """Return a wrapped key. Raises KeyringLost when its epoch is not held or not the same."""
        wrapper = self._wrappers.get(epoch)
        if wrapper is None:
            msg = f"epoch key {epoch} is not on the keyring; put back the newest keyring file"
            raise KeyringLost(msg)
        try:
            return wrapper.decrypt(wrapped[:12], wrapped[12:], context)
        except Exception as error:
            raise KeyringLost from error
