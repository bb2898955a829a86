"""Refusals: classes whose docstring is the sentence that people read."""

from typing import Any


class Refused(Exception):
    """It cannot be done."""

    def __init__(self, **about: Any) -> None:
        """Fill the docstring's {placeholders} with `about`, which stays readable to machines."""
        self.about = about
        sentence = (type(self).__doc__ or Refused.__doc__ or "").strip()
        super().__init__(sentence.format(**about))

    def __reduce__(self) -> tuple[Any, ...]:
        """Come whole out of another process."""
        return _again, (type(self), self.about)


class NotFound(Refused):
    """There is no {what} {id}."""


class Conflict(Refused):
    """Somebody else changed this meanwhile; look again and decide anew."""


class PreconditionFailed(Conflict):
    """It is at version {version} now, not at {expected}; look again before you change it."""


class Malformed(Refused):
    """{field}: {why}."""


class AccessNotWritten(Refused):
    """Reading personal data could not be written to the access log, so it is not answered."""


class UnreadableFact(Refused):
    """Fact {position}, {type} v{version}, cannot be read by this version of Huike: {why}."""


def _again(kind: type[Refused], about: dict[str, Any]) -> Refused:
    return kind(**about)
