"""A mistake that is known is told in a sentence, whichever part of Huike met it."""

from importlib import import_module

import psycopg
import pytest
from pydantic import BaseModel, ValidationError

from consumers.mistakes import SENTENCES, sentence_of
from infra.backup.unusable import NoBackup
from infra.keyring import KeyringLost
from infra.settings import Settings
from projections.runtime.batch import Poisoned


@pytest.mark.parametrize("name", SENTENCES)
def test_a_sentence_is_of_an_error_that_there_is(name: str) -> None:
    module, _, kind = name.rpartition(".")
    found = getattr(import_module(module), kind)
    assert issubclass(found, Exception)
    assert f"{found.__module__}.{found.__qualname__}" == name


def test_a_closer_kind_of_error_is_told_by_what_it_is_one_of() -> None:
    assert sentence_of(NoBackup("/backups")) == f"{NoBackup('/backups')}"
    told = sentence_of(psycopg.errors.CannotConnectNow("the database system is starting up"))
    assert told == (
        "Postgres: the database system is starting up. Start it, or mend HUIKE_LOG_URL."
    )


def test_what_a_fold_died_of_is_told() -> None:
    lost = KeyringLost()
    assert sentence_of(Poisoned(1, None, None, lost)) == KeyringLost.__doc__
    assert sentence_of(Poisoned(1, None, None, KeyringLost("It is another's"))) == (
        "It is another's."
    )
    assert sentence_of(Poisoned(1, None, None, ValueError("ours"))) is None


def test_an_address_that_is_none_is_told() -> None:
    told = sentence_of(psycopg.ProgrammingError('missing "=" after "nonsense"'))
    assert told == 'HUIKE_LOG_URL or HUIKE_VIEWS_URL is no address: missing "=" after "nonsense".'


def test_settings_that_cannot_be_are_told_and_nothing_else_that_pydantic_refuses() -> None:
    class Other(BaseModel):
        port: int

    for kind, told in ((Settings, "HUIKE_PORT: "), (Other, None)):
        with pytest.raises(ValidationError) as refused:
            kind.model_validate({"port": "many"})
        said = sentence_of(refused.value)
        assert said is told if told is None else f"{said}".startswith(told)


def test_an_error_of_ours_is_not_told() -> None:
    assert sentence_of(RuntimeError("ours to mend")) is None
