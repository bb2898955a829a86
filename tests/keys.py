"""Keys for tests, made as `huike keys` makes them, without a fact."""

import time
from contextlib import closing
from typing import Any

from infra.key_making import KeyMaker
from infra.keys import REVOKED_WITHIN_SECONDS, Key
from infra.postgres import OWNER, connect


def make_key(url: str | None, name: str, *scopes: str, **about: Any) -> tuple[Key, str]:
    assert url is not None
    with closing(connect(url, OWNER)) as owner:
        return KeyMaker(owner).add(name, scopes, **about)


def revoke_key(url: str | None, which: str) -> None:
    """Revoke a key, and wait until everybody knows."""
    assert url is not None
    with closing(connect(url, OWNER)) as owner:
        KeyMaker(owner).revoke(which)
    time.sleep(REVOKED_WITHIN_SECONDS + 0.01)
