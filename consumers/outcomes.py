"""What a handler answers; whoever runs it acts on the answer."""

import msgspec

from domain.shared.refusals import Refused as Refusal


class Done(msgspec.Struct, frozen=True):
    """It is recorded."""


class Ignored(msgspec.Struct, frozen=True):
    """It was recorded before."""


class Retry(msgspec.Struct, frozen=True):
    """It cannot be done just now; again in `after` seconds."""

    after: float


class Refused(msgspec.Struct, frozen=True):
    """It will never be done as it is; kept where a person can see it and send it again."""

    why: Refusal


Outcome = Done | Ignored | Retry | Refused
