"""The keyring: the installation's secrets, in a file that is kept apart from the database.

In the file they stand as they are, in base64; where a vault is set, as `{"wrapped": base64}`, which
nobody but the vault unwraps.
"""

import base64
import os
import threading
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.keyring_file import SECRET, Entry, entry_of, fresh, named, read, written
from infra.secret_files import make, replace
from infra.vault import KEY_BYTES, Vault


class KeyringLost(Exception):
    """The keyring does not belong to this log; put back the file that was made with it."""


class WrongKey(KeyringLost):
    """A key was wrapped by another epoch key {} than the keyring's."""

    def __init__(self, epoch: int) -> None:
        super().__init__(str(self.__doc__).format(epoch).rstrip("."))


class SpoiledKey(KeyringLost):
    """A key is wrapped by nothing that the keyring holds, though the others are."""


class KeyringWrapped(KeyringLost):
    """The keyring {} is wrapped: set HUIKE_EPOCH_COMMAND to what unwraps it."""

    def __init__(self, file: Path) -> None:
        super().__init__(str(self.__doc__).format(file).rstrip("."))


class EpochKeys(Protocol):
    """What wraps everybody's keys, and stands nowhere in the database.

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

    @property
    def by_vault(self) -> bool:
        """Whether an epoch that begins here has its key wrapped by a vault."""

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

    def __init__(self, file: Path, vault: Vault | None = None) -> None:
        """Read the file; what is wrapped there is unwrapped when it is used."""
        self._file = file
        self._vault = vault
        self._unwrapping = threading.Lock()
        self._secret: bytes | None = None
        self._entries: Mapping[int, Entry] = {}
        self._ciphers: dict[int, AESGCM] = {}
        self._take()

    @classmethod
    def open(cls, file: Path, vault: Vault | None = None) -> Self:
        """Read the keyring, or make a new one where there is none.

        Raises OSError, KeyringLost, VaultFailed.
        """
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            made = {SECRET: fresh(SECRET, vault), "epochs": {"1": fresh(named(1), vault)}}
            with suppress(FileExistsError):  # another process was first: then its keyring counts
                make(file, written(made))
        keyring = cls(file, vault)
        keyring.check()
        return keyring

    def check(self) -> None:
        """Unwrap what is always needed. Raises KeyringLost, VaultFailed."""
        _ = self.secret
        self._cipher(self.current)

    def _take(self) -> None:
        try:
            held = read(self._file)
            entries = {int(epoch): entry for epoch, entry in held["epochs"].items()}
            ciphers = {}
            for epoch, entry in entries.items():
                if isinstance(entry, str):
                    self._check_same(epoch, entry)
                    ciphers[epoch] = AESGCM(self._decoded(named(epoch), entry))
                elif self._entries.get(epoch) == entry and epoch in self._ciphers:
                    ciphers[epoch] = self._ciphers[epoch]
            secret, current = held[SECRET], max(entries)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unreadable() from error
        self._secret_entry: Entry = secret
        self._entries, self._ciphers = entries, ciphers
        self.current = current  # last: whoever wraps meanwhile finds its key

    @property
    def secret(self) -> bytes:
        if self._secret is None:
            self._secret = self._unwrapped(SECRET, self._secret_entry)
        return self._secret

    @property
    def held(self) -> AbstractSet[int]:
        return self._entries.keys()

    @property
    def by_vault(self) -> bool:
        return self._vault is not None

    @property
    def in_the_clear(self) -> bool:
        """Whether a key stands in the file as it is."""
        return any(isinstance(one, str) for one in (self._secret_entry, *self._entries.values()))

    @property
    def wrapped(self) -> bool:
        """Whether the secret is wrapped, so that what unwraps it decides what it is."""
        return not isinstance(self._secret_entry, str)

    def wrap(self, key: bytes, context: bytes) -> tuple[int, bytes]:
        """Wrap a key under the current epoch; return the epoch and the wrapped key."""
        nonce, current = os.urandom(12), self.current
        cipher = self._ciphers.get(current) or self._cipher(current)
        assert cipher is not None
        return current, nonce + cipher.encrypt(nonce, key, context)

    def unwrap(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """Return a wrapped key. Raises KeyringLost when its epoch is not held or not the same."""
        cipher = self._ciphers.get(epoch) or self._cipher(epoch)
        if cipher is None:
            self.look_again()  # it may have begun since
            cipher = self._cipher(epoch)
        if cipher is None:
            msg = f"Epoch key {epoch} is not on the keyring {self._file}: put back its newest copy"
            raise KeyringLost(msg)
        try:
            return cipher.decrypt(wrapped[:12], wrapped[12:], context)
        except Exception as error:
            raise WrongKey(epoch) from error

    def look_again(self) -> None:
        """Take in what others began and ended. Raises OSError, KeyringLost, VaultFailed."""
        before, known = self._secret_entry, self._secret
        self._take()
        if known is not None and self._secret_entry != before:
            self._secret = self._unwrapped(SECRET, self._secret_entry)
            if self._secret != known:
                raise KeyringLost

    def begin(self, epoch: int) -> None:
        """Make the key of a new epoch; it is durable when this returns.

        What stood there as it is becomes wrapped, if a vault is set. Raises OSError, VaultFailed.
        """
        held = read(self._file)
        if str(epoch) not in held["epochs"]:
            held["epochs"][str(epoch)] = fresh(named(epoch), self._vault)
        if self._vault is not None and self.in_the_clear:
            held = self._again(held, self._vault)
        replace(self._file, written(held))
        self.look_again()

    def end(self, before: int) -> None:
        """Destroy the keys of all epochs before one. Raises OSError, VaultFailed."""
        held = read(self._file)
        for epoch, entry in held["epochs"].items():
            if int(epoch) < before and not isinstance(entry, str) and self._vault is not None:
                self._vault.destroy(named(epoch))
        held["epochs"] = {e: key for e, key in held["epochs"].items() if int(e) >= before}
        replace(self._file, written(held))
        self.look_again()

    def rewrap(self, vault: Vault | None) -> None:
        """Have all keys wrapped anew, by another vault perhaps; None: let them stand as they are.

        Raises OSError, KeyringLost, VaultFailed: then the file is as it was.
        """
        held = self._again(read(self._file), vault)
        replace(self._file, written(held))
        self._vault = vault
        self.look_again()

    def _again(self, held: Any, vault: Vault | None) -> Any:
        """Return what a file holds, each key unwrapped and wrapped again."""
        return {
            SECRET: entry_of(SECRET, self._unwrapped(SECRET, held[SECRET]), vault),
            "epochs": {
                epoch: entry_of(named(epoch), self._unwrapped(named(epoch), entry), vault)
                for epoch, entry in held["epochs"].items()
            },
        }

    def _cipher(self, epoch: int) -> AESGCM | None:
        """Return what an epoch's key enciphers with, unwrapped at its first use."""
        with self._unwrapping:
            # of this reading: what a later one let go of does not come back
            ciphers = self._ciphers
            cipher, entry = ciphers.get(epoch), self._entries.get(epoch)
            if cipher is None and entry is not None:
                cipher = AESGCM(self._unwrapped(named(epoch), entry))
                ciphers[epoch] = cipher
            return cipher

    def _unwrapped(self, name: str, entry: Entry) -> bytes:
        try:
            if isinstance(entry, str):
                return self._decoded(name, entry)
            wrapped = base64.b64decode(entry["wrapped"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._unreadable() from error
        if self._vault is None:
            raise KeyringWrapped(self._file)
        return self._vault.unwrap(name, wrapped)

    def _check_same(self, epoch: int, entry: str) -> None:
        before = self._entries.get(epoch)
        if isinstance(before, str) and before != entry:
            msg = (
                f"The keyring {self._file} holds another epoch key {epoch} than before: put it back"
            )
            raise KeyringLost(msg)

    def _decoded(self, name: str, entry: str) -> bytes:
        key = base64.b64decode(entry)
        if len(key) != KEY_BYTES:
            msg = (
                f"The keyring {self._file} holds {len(key):,} bytes as {name}, not {KEY_BYTES}: "
                "put back a copy"
            )
            raise KeyringLost(msg)
        return key

    def _unreadable(self) -> KeyringLost:
        return KeyringLost(f"The keyring {self._file} cannot be read: put back a copy")
