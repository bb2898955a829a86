"""What a dossier's page says around the facts, in the languages of people who read it."""

from collections.abc import Mapping
from typing import Any, Final

from projections.by import By
from projections.dossier.words.en import ENGLISH
from projections.dossier.words.wording import Wording
from projections.dossier.words.zh import CHINESE
from projections.words import label, word

WORDINGS: Final[Mapping[str, Wording]] = {"en": ENGLISH, "zh": CHINESE}


def named(name: str, language: str) -> str:
    """Return what people call a value."""
    return WORDINGS[language].labels.get(name) or label(name, language)


def who(by: By, language: str) -> str:
    """Return who said or read something: by name, else what it is, with its id unless it is you."""
    if by.name is not None:
        return by.name
    what = said("actor", by.kind, language)
    return what if by.kind == "person" else f"{what} {by.id}"


def said(name: str, value: Any, language: str) -> str:
    """Return a value as it is said, by the name of what it is."""
    return WORDINGS[language].words.get(f"{name}.{value}") or word(name, value, language)
