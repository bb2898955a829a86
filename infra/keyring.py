"""The keyring: the installation's secrets, in a file that is kept apart from the database."""

import base64
import json
import os
import secrets
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.secret_files import make, replace


class KeyringLost(Exception):
    """The keyring does not belong to this log; put back the file that was made with it."""


class EpochKeys(Protocol):
    """What wraps everybody's keys, and stands nowhere in the database: a file, or another's vault.

    An epoch is a number; those that are higher are newer.
    """

    @property
    def secret(self) -> bytes:
        """What ids and keyed indexes are derived with, for ever."""

    @property
    def current(self) -> int:
        """The newest epoch, under which keys are wrapped."""

    @property
    def held(self) -> AbstractSet[int]:
        """The epochs whose keys are held."""

    def wrap(self, key: bytes, context: bytes) -> tuple[int, bytes]:
        """Wrap a key under the current epoch; return the epoch and the wrapped key."""

    def unwrap(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """Return a wrapped key. Raises KeyringLost when its epoch is not held or not the same."""

    def look_again(self) -> None:
        """Take in what others began and ended. Raises OSError, KeyringLost."""

    def begin(self, epoch: int) -> None:
        """Make the key of a new epoch; it is durable when this returns. Raises OSError."""

    def end(self, before: int) -> None:
        """Destroy the keys of all epochs before one. Raises OSError."""


class Keyring:
    """Epoch keys in a file: it is replaced as a whole, and whoever reads it finds a whole one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.secret = self._take()

    @classmethod
    def open(cls, file: Path) -> Self:
        """Read the keyring, or make a new one where there is none. Raises OSError, KeyringLost."""
        if not file.exists():
            cls._make(file)
        return cls(file)

    @staticmethod
    def _make(file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another process was first: then its keyring counts
            make(file, _written({"secret": _fresh(), "epochs": {"1": _fresh()}}))

    def _take(self) -> bytes:
        try:
            held = _read(self._file)
            secret = base64.b64decode(held["secret"])
            self._wrappers = {
                int(epoch): AESGCM(base64.b64decode(key)) for epoch, key in held["epochs"].items()
            }
            self.current = max(self._wrappers)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            msg = f"The keyring {self._file} cannot be read: put back a copy"
            raise KeyringLost(msg) from error
        return secret

    @property
    def held(self) -> AbstractSet[int]:
        return self._wrappers.keys()

    def wrap(self, key: bytes, context: bytes) -> tuple[int, bytes]:
        """Wrap a key under the current epoch; return the epoch and the wrapped key."""
        nonce, current = os.urandom(12), self.current
        return current, nonce + self._wrappers[current].encrypt(nonce, key, context)

    def unwrap(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """Return a wrapped key. Raises KeyringLost when its epoch is not held or not the same."""
        wrapper = self._wrappers.get(epoch)
        if wrapper is None:
            self.look_again()  # it may have begun since
            wrapper = self._wrappers.get(epoch)
        if wrapper is None:
            msg = f"Epoch key {epoch} is not on the keyring {self._file}: put back its newest copy"
            raise KeyringLost(msg)
        try:
            return wrapper.decrypt(wrapped[:12], wrapped[12:], context)
        except Exception as error:
            raise KeyringLost from error

    def look_again(self) -> None:
        """Take in what others began and ended. Raises OSError, KeyringLost."""
        if self._take() != self.secret:
            raise KeyringLost

    def begin(self, epoch: int) -> None:
        """Make the key of a new epoch; it is durable when this returns. Raises OSError."""
        held = _read(self._file)
        held["epochs"].setdefault(str(epoch), _fresh())
        replace(self._file, _written(held))
        self.look_again()

    def end(self, before: int) -> None:
        """Destroy the keys of all epochs before one. Raises OSError."""
        held = _read(self._file)
        held["epochs"] = {e: key for e, key in held["epochs"].items() if int(e) >= before}
        replace(self._file, _written(held))
        self.look_again()


def _fresh() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _read(file: Path) -> Any:
    while True:
        with file.open(encoding="utf-8") as opened:
            text = opened.read()
            replaced = os.fstat(opened.fileno()).st_nlink == 0
        if not replaced:  # else it may have been wiped while it was read
            return json.loads(text)


def _written(held: Any) -> bytes:
    return json.dumps(held, indent=2).encode()
