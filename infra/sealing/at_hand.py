"""What a process keeps in memory of persons' keys: the latest, and ciphers made of the latest."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.sealing.periods import Period

T = TypeVar("T")


class AtHand:
    """Keys by the number of their identity: hashing a UUID takes ten times as long.

    A key takes 260 B. A cipher, which takes longer to make than to use, takes 2.4 kB, and is there
    only as long as its key is. Safe between threads.
    """

    def __init__(self, keys: int, ciphers: int) -> None:
        """Take how many of each are kept at most; `ciphers` holds of those of originals too."""
        self._most = keys
        self._most_ciphers = ciphers
        self._lock = threading.Lock()
        self._keys: OrderedDict[int, bytes | None] = OrderedDict()
        self._ciphers: OrderedDict[int, AESGCM] = OrderedDict()
        self._originals: OrderedDict[int, tuple[Period, AESGCM]] = OrderedDict()

    def knows(self, number: int) -> bool:
        """Tell whether it is known that somebody has a key, or has none."""
        return number in self._keys

    def key(self, number: int) -> bytes | None:
        return self._keys.get(number)

    def cipher(self, number: int) -> AESGCM | None:
        return self._ciphers.get(number)

    def original(self, number: int, period: Period) -> AESGCM | None:
        """Return the cipher of somebody's originals of a period."""
        held = self._originals.get(number)
        return held[1] if held is not None and held[0] == period else None

    def hold(self, keys: Mapping[int, bytes | None]) -> None:
        with self._lock:
            for number, key in keys.items():
                if key is not None:
                    self._keys[number] = key
                else:  # it may have been made since that was asked
                    self._keys.setdefault(number, None)
            while len(self._keys) > self._most:
                oldest = next(iter(self._keys))
                self._drop(oldest)

    def hold_cipher(self, number: int, key: bytes, cipher: AESGCM) -> None:
        """Keep a cipher, unless its key was let go of meanwhile."""
        self._keep(self._ciphers, number, key, cipher)

    def hold_original(self, number: int, key: bytes, period: Period, cipher: AESGCM) -> None:
        """Keep a cipher of originals, unless the person's key was let go of meanwhile."""
        self._keep(self._originals, number, key, (period, cipher))

    def let_go(self, numbers: Iterable[int]) -> None:
        with self._lock:
            for number in numbers:
                self._drop(number)

    def let_go_of_originals(self) -> None:
        with self._lock:
            self._originals.clear()

    def _keep(self, made: OrderedDict[int, T], number: int, key: bytes, of_it: T) -> None:
        with self._lock:
            if self._keys.get(number) is key:
                made.pop(number, None)  # it is the latest now
                made[number] = of_it
                if len(made) > self._most_ciphers:
                    made.popitem(last=False)

    def _drop(self, number: int) -> None:
        self._keys.pop(number, None)
        self._ciphers.pop(number, None)
        self._originals.pop(number, None)
