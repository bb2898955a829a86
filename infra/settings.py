"""Settings: one file or the environment (`HUIKE_*`), the same for every process."""

import os
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.shared.money import UnknownCurrency
from domain.shared.money import currency as known_currency
from infra.vault import Command

_MOST_WORKERS: Final = 4
"""Of views, unless more are asked for: each takes 200 MB."""
_NOBODY: Final = "nobody"
_LEVELS: Final = ("debug", "info", "warning", "error")
_SECURITIES: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class Settings(BaseSettings):
    """How this Huike is run.

    Read from the environment, then from the file `HUIKE_SETTINGS`, then from files in the folder
    `HUIKE_SECRETS`, each called as what it holds.
    """

    model_config = SettingsConfigDict(
        env_prefix="HUIKE_",
        env_file=os.environ.get("HUIKE_SETTINGS", "huike.env"),
        env_file_encoding="utf-8",
        secrets_dir=os.environ.get("HUIKE_SECRETS"),
        env_ignore_empty=True,  # as compose files pass what is not set
        extra="ignore",
        hide_input_in_errors=True,  # it may be a password
    )

    home: Path = Field(
        default=Path(".huike"),
        description="Where the embedded server's data, the keyring and logs are kept.",
    )
    host: str = Field(default="127.0.0.1", description="Address that the HTTP server listens on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port of the HTTP server.")
    log_url: str | None = Field(
        default=None,
        description="Postgres of the log. Not set: `huike up` starts an embedded one.",
    )
    views_url: str | None = Field(
        default=None, description="Postgres of the views. Not set: the same as the log's."
    )
    keyring: Path | None = Field(
        default=None, description="File of the secrets. Not set: `keyring.json` in the home."
    )
    kafka_bootstrap: str | None = Field(
        default=None, description="Kafka's addresses. Not set: views follow the log itself."
    )
    kafka_security: str = Field(
        default="PLAINTEXT",
        description="How Kafka is reached: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.",
    )
    kafka_ca: Path | None = Field(
        default=None,
        description="Certificates (PEM) that Kafka's is signed by. Not set: the system's.",
    )
    kafka_certificate: Path | None = Field(
        default=None, description="Our own certificate (PEM), where Kafka asks for one."
    )
    kafka_certificate_key: Path | None = Field(
        default=None, description="Its private key (PEM). Not set: in the certificate's file."
    )
    kafka_mechanism: str = Field(
        default="SCRAM-SHA-512",
        description="How to log in with SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.",
    )
    kafka_user: str | None = Field(default=None, description="Who logs in to Kafka with SASL.")
    kafka_password: SecretStr | None = Field(
        default=None, validate_default=True, description="The password of that user."
    )
    kafka_topic_in: str = Field(default="shop.events", description="Topic that shops publish to.")
    kafka_topic_dead: str = Field(
        default="shop.events.dead", description="Topic of what was refused, sealed."
    )
    kafka_topic_facts: str = Field(default="huike.facts", description="Topic of all facts.")
    slots: int = Field(
        default=32, ge=1, le=4096, description="Parts that customers are dealt into; partitions."
    )
    views_workers: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Workers of views that `huike up` starts; they share the slots. "
        "Not set: one for every two cores, at most 4.",
    )
    shop: str = Field(default="shop", description="Shop of what comes by Kafka without a header.")
    currency: str = Field(default="USD", description="Currency of a shop that names none.")
    region: str = Field(default="US", description="Country of phone numbers without a prefix.")
    clear_traits: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Traits, by comma, that say nobody's name: kept in the clear."
    )
    clear_properties: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Properties, by comma, that say nobody's name: kept in the clear."
    )
    epoch_days: int = Field(
        default=1,
        ge=0,
        description="Days after which somebody's being forgotten is followed by a new epoch. "
        "0: only `huike keyring renew` makes one.",
    )
    epoch_command: str | None = Field(
        default=None,
        description="Command that wraps the keyring's keys (`COMMAND wrap NAME`) and unwraps them: "
        "a KMS's. Not set: they stand in the file as they are.",
    )
    erasure_days: int = Field(
        default=7,
        ge=0,
        description="Days of grace between a request to be forgotten and its being carried out.",
    )
    erasure_order_days: int = Field(
        default=90,
        ge=0,
        description="Days that an order keeps its customer from being forgotten after it last "
        "moved, unless it is delivered, cancelled or refunded.",
    )
    forgotten: str = Field(
        default="refuse",
        description="What becomes of what shops tell later of somebody forgotten. `refuse`: it is "
        "refused; `nobody`: it is kept without anything that tells whose it is. Either way orders "
        "that are known go on.",
    )
    retention: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Months after which what a source sent is made unreadable (its facts stay), by "
        "comma: `shop/site=24,*=36`; `*`: every other source; `access`: the access log. "
        "Not set: never.",
    )
    backup_days: int = Field(
        default=2,
        ge=0,
        description="Days without a backup after which `huike doctor` warns. "
        "0: never, where another program takes them.",
    )
    seal_to: Path | None = Field(
        default=None,
        description="File that workers add the seal of the log's head to by themselves, or a "
        "folder: then its `seals.jsonl`. Not set, nor a topic: they do not seal.",
    )
    seal_topic: str | None = Field(
        default=None, description="Topic of Kafka that workers send that seal to by themselves."
    )
    seal_every: int = Field(
        default=24,
        ge=0,
        description="Hours between two seals that workers make. 0: only `huike audit seal` does.",
    )
    log_level: str = Field(default="info", description="debug, info, warning or error.")

    @field_validator("clear_traits", "clear_properties", "retention", mode="before")
    @classmethod
    def _by_comma(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("currency")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            return known_currency(value)
        except UnknownCurrency as refusal:
            raise ValueError(str(refusal)) from None  # pydantic tells ValueErrors

    @field_validator("kafka_security")
    @classmethod
    def _security(cls, value: str) -> str:
        return _one_of(_SECURITIES, value)

    @field_validator("kafka_mechanism")
    @classmethod
    def _mechanism(cls, value: str) -> str:
        return _one_of(_MECHANISMS, value)

    @field_validator("kafka_password")
    @classmethod
    def _login(cls, value: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        login = str(others.data.get("kafka_security", "")).startswith("SASL")
        if login and not (value and others.data.get("kafka_user")):
            raise ValueError("SASL needs HUIKE_KAFKA_USER and HUIKE_KAFKA_PASSWORD")
        return value

    @field_validator("epoch_command")
    @classmethod
    def _command(cls, value: str | None) -> str | None:
        if value is not None:
            Command(value)
        return value

    @field_validator("forgotten")
    @classmethod
    def _forgotten(cls, value: str) -> str:
        return _one_of(("refuse", _NOBODY), value.lower())

    @field_validator("retention")
    @classmethod
    def _months(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for rule in value:
            source, _, months = rule.partition("=")
            named = source in {"*", "access"} or source.count("/") == 1
            if not (named and months.isascii() and months.isdigit() and int(months[:6]) >= 1):
                msg = "is shop/source=months, *=months or access=months, by comma"
                raise ValueError(msg)
        return value

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        return _one_of(_LEVELS, value.lower())

    @property
    def environment(self) -> dict[str, str]:
        """What a process is given so that it reads the same settings."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            f"HUIKE_{name.upper()}": as_written(value)
            for name, value in given.items()
            if value is not None and not _is_secret(name, value)
        }

    @property
    def takes_as_nobodys(self) -> bool:
        """Whether what shops tell of somebody forgotten is kept as nobody's."""
        return self.forgotten == _NOBODY

    @property
    def retention_months(self) -> dict[str, int]:
        """Months by source (`shop/source`, or `*` for every other), and by `access`."""
        rules = (rule.partition("=") for rule in self.retention)
        return {source: int(months) for source, _, months in rules}

    @property
    def seals_by_itself(self) -> bool:
        """Whether workers seal the log's head."""
        return self.seal_every > 0 and (self.seal_to or self.seal_topic) is not None

    @property
    def local_url(self) -> str:
        """Where this machine's own programs find the server."""
        host = self.host
        if host in {"0.0.0.0", "::", ""}:  # noqa: S104  # asked about, not bound
            host = "127.0.0.1"
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def workers_of_views(self) -> int:
        return self.views_workers or min(max((os.cpu_count() or 1) // 2, 1), _MOST_WORKERS)

    @property
    def keyring_file(self) -> Path:
        return self.keyring or self.home / "keyring.json"

    @property
    def vault(self) -> Command | None:
        """What the keyring's keys are wrapped by, if by something."""
        return None if self.epoch_command is None else Command(self.epoch_command)

    @property
    def views_or_log_url(self) -> str | None:
        return self.views_url or self.log_url


def as_written(value: object) -> str:
    """Return a setting as it is written in the environment."""
    if isinstance(value, tuple):
        return ",".join(value)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def secret_file(name: str) -> Path | None:
    """Return the file of the folder `HUIKE_SECRETS` that holds a setting; None without one."""
    folder = Settings.model_config.get("secrets_dir")
    file = Path(str(folder)) / f"huike_{name}" if folder else None
    return file if file is not None and file.is_file() else None


def _is_secret(name: str, value: object) -> bool:
    """Say whether every process reads it from its own file: then it is in no environment."""
    file = secret_file(name)
    return file is not None and file.read_text(encoding="utf-8").strip() == as_written(value)


def _one_of(known: tuple[str, ...], value: str) -> str:
    if value not in known:
        msg = f"is one of {', '.join(known)}"
        raise ValueError(msg)
    return value
