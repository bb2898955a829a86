"""Why a shop's event is not taken: a code for machines, a sentence for people.

Sentences never repeat what was sent: they are kept, and shown, in the clear.
"""

from typing import ClassVar

from domain.shared.log import LogUnavailable, OtherContent
from domain.shared.personal import KeyForgotten
from domain.shared.refusals import Refused


class NotTaken(Refused):
    """The event cannot be taken."""

    code: ClassVar[str] = "not-taken"


class BrokenJson(NotTaken):
    """It is not JSON; a batch is then refused whole, for where its events end cannot be told."""

    code = "broken-json"


class WrongType(NotTaken):
    """{why}."""

    code = "wrong-type"


class TooLarge(NotTaken):
    """An event may have {limit} bytes; it has {size}."""

    code = "too-large"


class TooDeep(NotTaken):
    """An event may be nested {limit} levels deep; it goes further."""

    code = "too-deep"


class BadText(NotTaken):
    """It holds a character that is no character (NUL, or half of a surrogate pair)."""

    code = "bad-text"


class NotANumber(NotTaken):
    """It holds a number that is none (NaN or Infinity)."""

    code = "not-a-number"


class HugeNumber(NotTaken):
    """It holds a number that no computer keeps exactly."""

    code = "huge-number"


class UnknownType(NotTaken):
    """Its `type` is none of identify, track, page, screen, group and alias."""

    code = "unknown-type"


class Missing(NotTaken):
    """It has no {what}."""

    code = "missing"


class MissingId(NotTaken):
    """It has neither a userId nor an anonymousId, so it is nobody's."""

    code = "missing-id"


class Nobody(NotTaken):
    """Its {what} stands for nobody: such ids are what a shop sends when it does not know."""

    code = "nobody"


class TooLong(NotTaken):
    """Its {what} may have {limit} characters."""

    code = "too-long"


class BadTime(NotTaken):
    """Its {what} is not a time in ISO 8601."""

    code = "bad-time"


class ImpossibleTime(NotTaken):
    """It says that it happened before 1970."""

    code = "impossible-time"


class NegativeAmount(NotTaken):
    """{what} is below zero."""

    code = "negative-amount"


class HugeAmount(NotTaken):
    """{what} is larger than any amount of a shop."""

    code = "huge-amount"


class MissingAmount(NotTaken):
    """It says of no amount, neither in all nor line by line."""

    code = "missing-amount"


class NotACurrency(NotTaken):
    """Its currency is none of ISO 4217."""

    code = "unknown-currency"


class UnknownChannel(NotTaken):
    """A consent names a channel that there is not."""

    code = "unknown-channel"


class NotACloudEvent(NotTaken):
    """It says that it is a CloudEvent of version 1.0, but {why}."""

    code = "not-a-cloudevent"


class TornRecord(NotTaken):
    """The record cannot be taken apart: {why}."""

    code = "torn-record"


class WrongMedia(NotTaken):
    """Its content type is not JSON."""

    code = "wrong-content-type"


class TooMany(NotTaken):
    """A batch may hold {limit} events; it holds {count}."""

    code = "too-many"


class SharedTooLarge(NotTaken):
    """The context of a batch may have {limit} bytes; it has {size}."""

    code = "too-large"


class ContentDiffers(NotTaken):
    """A message with this messageId was taken before, and said something else."""

    code = "other-content"


class Forgotten(NotTaken):
    """It is about somebody who was forgotten; it is not kept either."""

    code = "forgotten"


class NotRecorded(NotTaken):
    """It could not be written down; the service's own log has the reason."""

    code = "not-recorded"


def refusal_of(error: BaseException) -> NotTaken:
    """Return the refusal that an append's failure is. Raises LogUnavailable, which is none."""
    match error:
        case NotTaken():
            return error
        case OtherContent():
            return ContentDiffers()
        case KeyForgotten():
            return Forgotten()
        case LogUnavailable():
            raise error
        case _:
            return NotRecorded()
