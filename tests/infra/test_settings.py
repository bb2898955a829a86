"""Settings come from the environment, then from one file."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.settings import Settings


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "huike.env"
    file.write_text("HUIKE_PORT=9001\nHUIKE_SHOP=tea\n")
    monkeypatch.setenv("HUIKE_PORT", "9002")
    read = Settings(_env_file=file)
    assert (read.port, read.shop) == (9002, "tea")


def test_secrets_are_read_from_files_and_stay_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "huike_kafka_password").write_text("tea and cake\n")
    (tmp_path / "huike_log_url").write_text("postgresql:///of-a-file\n")
    monkeypatch.setitem(Settings.model_config, "secrets_dir", str(tmp_path))
    monkeypatch.setenv("HUIKE_LOG_URL", "postgresql:///of-the-environment")
    read = Settings(_env_file=None)
    assert read.kafka_password is not None
    assert read.kafka_password.get_secret_value() == "tea and cake"
    assert "tea and cake" not in repr(read)
    assert "HUIKE_KAFKA_PASSWORD" not in read.environment
    assert read.environment["HUIKE_LOG_URL"] == "postgresql:///of-the-environment"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kafka_security": "TLS"},
        {"kafka_mechanism": "GSSAPI"},
        {"kafka_security": "SASL_SSL"},
        {"kafka_security": "SASL_SSL", "kafka_user": "huike"},
        {"kafka_security": "SASL_SSL", "kafka_password": "tea and cake"},
    ],
)
def test_a_login_to_kafka_is_whole_or_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(wrong)
    assert "tea and cake" not in str(refused.value)


def test_lists_are_given_by_comma(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIKE_CLEAR_TRAITS", "plan, tier,,")
    assert Settings().clear_traits == ("plan", "tier")


def test_the_views_live_beside_the_log_unless_told_otherwise() -> None:
    assert Settings(log_url="postgresql:///log").views_or_log_url == "postgresql:///log"
    both = Settings(log_url="postgresql:///log", views_url="postgresql:///views")
    assert both.views_or_log_url == "postgresql:///views"


def test_a_port_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(port=70_000)


@pytest.mark.parametrize("wrong", [{"currency": "EURO"}, {"currency": ""}, {"log_level": "loud"}])
def test_what_no_process_could_use_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_a_currency_is_written_in_capitals() -> None:
    assert Settings(currency="eur").currency == "EUR"


@pytest.mark.parametrize(("cores", "workers"), [(None, 1), (1, 1), (2, 1), (4, 2), (64, 4)])
def test_every_two_cores_have_a_worker_of_views(
    cores: int | None, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert Settings(_env_file=None).workers_of_views == workers
    assert Settings(_env_file=None, views_workers=3).workers_of_views == 3


def test_the_access_log_has_months_of_its_own() -> None:
    read = Settings(retention=("shop/site=24", "access=60"))
    assert read.retention_months == {"shop/site": 24, "access": 60}


@pytest.mark.parametrize("line", ["", "   ", "kms 'unfinished"])
def test_a_command_that_names_no_program_is_refused(line: str) -> None:
    with pytest.raises(ValidationError, match="epoch_command"):
        Settings(epoch_command=line)
