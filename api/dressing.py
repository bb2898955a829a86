"""Headers that every answer is sent with: what browsers and proxies may not do with it."""

from collections.abc import Iterable
from typing import Final

Header = tuple[bytes, bytes]

SAFE: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
"""For answers that are no pages: pages say what they need of their own."""

_OWN: Final = b"content-security-policy"


def dressed(headers: Iterable[Header], *more: Header) -> list[Header]:
    """Return headers with `more`, and the safe ones unless they have a policy of their own.

    Such an answer says all of it itself.
    """
    told = [*headers]
    for name, _ in told:
        if name == _OWN:
            names = {name for name, _ in told}
            return [*told, *(header for header in more if header[0] not in names)]
    return [*told, *more, *SAFE]
