"""Which key is meant by an id, a name, or what it begins with."""

from collections.abc import Sequence
from datetime import datetime

from domain.shared.refusals import Malformed, NotFound
from infra.keys import Key


def meant_key(keys: Sequence[Key], which: str, now: datetime) -> Key:
    """Return the living key that is meant, by its old secret too as long as that opens.

    Raises NotFound when there never was one, and Malformed when it ended, or several are meant.
    """
    known = [key for key in keys if which in {str(key.id), key.name, key.prefix}]
    old = [key for key in keys if which == key.former_prefix]
    open_still = [key for key in old if key.former_until is not None and key.former_until > now]
    found = [key for key in known or open_still if key.revoked_at is None]
    if len(found) > 1:
        why = f"{len(found)} keys are called {which}; say what the key begins with, or its id"
        raise Malformed(field="key", why=why)
    if found:
        return found[0]
    for key in (*known, *old):
        if key.revoked_at is not None:
            why = f"{which} was revoked already, at {key.revoked_at:%Y-%m-%d %H:%M} UTC"
        else:
            why = f"{which} ended when {key.name} was changed; {key.prefix} is its secret now"
        raise Malformed(field="key", why=why)
    if which.startswith("hk_") and (changed := _changed_before(keys, now)):
        why = (
            f"none begins with {which} now, but {', '.join(changed)} may have before it was "
            "changed: say its name or its id"
        )
        raise Malformed(field="key", why=why)
    raise NotFound(what="key", id=which)


def _changed_before(keys: Sequence[Key], now: datetime) -> list[str]:
    """Return the living keys of whose old secret, which still opens, no beginning was kept."""
    return [
        key.name
        for key in keys
        if key.revoked_at is None
        and key.former_prefix is None
        and key.former_until is not None
        and key.former_until > now
    ]
