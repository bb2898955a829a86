"""Who or what is named at the command line: by a UUID, or the shop's own id, as in the API."""

from collections.abc import Callable
from uuid import UUID


def named(given: str, kind: str, derive: Callable[[str, str], UUID], shop: str) -> UUID:
    """Return the id: a UUID, or the shop's own id, with its kind before it (`user:ada`) or not."""
    try:
        return UUID(given)
    except ValueError:
        return derive(shop, given.removeprefix(f"{kind}:") or given)
