"""The envelope: format (1 byte), the key's generation (1), nonce (12), ciphertext and tag."""

import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORMAT: Final = 1
_HEAD: Final = 14  # format, generation, nonce of 12


def both(months: bytes, own: bytes, info: bytes) -> AESGCM:
    """Return what only the key of a month and somebody's own make together.

    HKDF-SHA256 (RFC 5869): extract with the month's key as salt, one block of expand.
    """
    mixed = hmac.digest(months, own, "sha256")
    return AESGCM(hmac.digest(mixed, info + b"\x01", "sha256"))


def seal(key: AESGCM, plain: bytes, context: bytes) -> bytes:
    nonce = os.urandom(12)
    return b"\x01\x01" + nonce + key.encrypt(nonce, plain, context)


def unseal(key: AESGCM, sealed: bytes, context: bytes) -> bytes | None:
    """Return what was sealed; None when it is not of this key and context."""
    if len(sealed) < _HEAD or sealed[0] != _FORMAT:
        return None
    try:
        return key.decrypt(sealed[2:_HEAD], sealed[_HEAD:], context)
    except InvalidTag:
        return None
