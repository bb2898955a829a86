"""What a language needs for a dossier's page, around the facts."""

from collections.abc import Mapping

import msgspec


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """The page's own words; `labels`, `words`, `sentences`: what the shared ones have none for.

    Of `words`, `refused.` and a code say why a message was not taken, where what was kept of it is
    in another language; `read.` and an operation say what somebody did who saw the person.
    """

    title: str
    about: str
    erased: str
    some_erased: str
    forgotten: str
    nothing: str
    taken_back: str
    time: str
    contents: str
    from_whom: str
    by_request: str
    withheld: str
    sections: Mapping[str, str]
    labels: Mapping[str, str]
    words: Mapping[str, str]
    sentences: Mapping[str, str]
