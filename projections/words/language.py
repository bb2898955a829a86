"""What a language needs to tell facts."""

from collections.abc import Mapping

import msgspec


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """Sentences by stored name, the shops' event names by themselves, and words for codes.

    `{place}` takes a value, `[part]` is left out unless all its values are known. Words are looked
    up by name of the value and code: `channel.sms`; `yes` and `no` stand for true and false, and
    `items.*` for all codes that have no word of their own. Labels name what stands beside a value.
    """

    sentences: Mapping[str, str]
    behaviour: Mapping[str, str]
    words: Mapping[str, str]
    labels: Mapping[str, str]
    comma: str
    unknown: str
