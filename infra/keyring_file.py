"""What stands in the keyring's file, and how: keys as they are, or wrapped by a vault."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra.vault import KEY_BYTES, Vault

Entry = str | Mapping[str, str]
"""A key as it stands in the file."""

SECRET: Final = "secret"  # noqa: S105  # what it is called


def named(epoch: int | str) -> str:
    """Return what a vault knows an epoch's key by."""
    return f"epoch-{epoch}"


def fresh(name: str, vault: Vault | None) -> Entry:
    """Return a new key. Raises VaultFailed."""
    return entry_of(name, secrets.token_bytes(KEY_BYTES), vault)


def entry_of(name: str, key: bytes, vault: Vault | None) -> Entry:
    """Return a key as it is to stand in the file. Raises VaultFailed."""
    if vault is None:
        return base64.b64encode(key).decode()
    return {"wrapped": base64.b64encode(vault.wrap(name, key)).decode()}


def read(file: Path) -> Any:
    """Return what a file holds. Raises OSError, and ValueError for what is no JSON."""
    while True:
        with file.open(encoding="utf-8") as opened:
            text = opened.read()
            replaced = os.fstat(opened.fileno()).st_nlink == 0
        if not replaced:  # else it may have been wiped while it was read
            return json.loads(text)


def written(held: Any) -> bytes:
    """Return a file's content."""
    return json.dumps(held, indent=2).encode()
