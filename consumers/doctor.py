"""The doctor: every setting and part, what is wrong with it, and how to mend it."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import psycopg
from dotenv import dotenv_values
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumers.mistakes import wrong_settings
from consumers.parts import Finding, findings
from consumers.screen import screen
from infra.settings import Settings, as_written, secret_file

_FILE: Final = Path(str(Settings.model_config["env_file"]))
_SECRETS: Final = Settings.model_config["secrets_dir"]
_OTHERS: Final = (
    "HUIKE_SETTINGS",
    "HUIKE_SECRETS",
    "HUIKE_SUPERVISED",
    "HUIKE_POSTGRES_PASSWORD",
    "HUIKE_KAFKA_PORT",
)
"""Not settings of a process: where those are, who started it, and the compose file's."""

_TESTS: Final = "HUIKE_TEST_"


def examine() -> int:
    """Print the settings and all findings; return 1 when something needs mending."""
    console = screen()
    environment = _ours(os.environ)
    file = _ours(dotenv_values(_FILE) if _FILE.is_file() else {})
    settings: Settings | None = None
    wrong: dict[str, str] = {}
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = wrong_settings(error)
    console.print(_table(settings, environment, file))
    found = [*_of_settings(environment, file, wrong)]
    if settings is not None:
        found += findings(settings)
    _print(console, found)
    return int(any(finding.mend for finding in found))


def _ours(given: Mapping[str, str | None]) -> dict[str, str]:
    return {
        name.upper(): value
        for name, value in given.items()
        if name.upper().startswith("HUIKE_") and value
    }


def _table(
    settings: Settings | None, environment: Mapping[str, str], file: Mapping[str, str]
) -> Table:
    table = Table(
        "setting", "value", "from", "meaning", title="Settings", box=None, title_style="bold"
    )
    for field, told in Settings.model_fields.items():
        name = f"HUIKE_{field.upper()}"
        if name in environment:
            source, given = "environment", environment[name]
        elif name in file:
            source, given = str(_FILE), file[name]
        elif (secret := secret_file(field)) is not None:
            source, given = str(secret), ""
        else:
            source, given = "default", _text(told.default)
        value = given if settings is None else _text(getattr(settings, field))
        if value and "password" in field:
            value = "***"
        table.add_row(name, Text(without_password(value)), source, told.description)
    return table


def _text(value: Any) -> str:
    return "" if value is None else as_written(value)


def without_password(value: str) -> str:
    """Return an address of Postgres without its password; anything else as it is."""
    if "=" not in value and "://" not in value:
        return value
    try:
        parts = conninfo_to_dict(value)
    except psycopg.ProgrammingError:
        return value
    return make_conninfo("", **parts | {"password": "***"}) if "password" in parts else value


def _of_settings(
    environment: Mapping[str, str], file: Mapping[str, str], wrong: Mapping[str, str]
) -> Iterator[Finding]:
    for name, why in wrong.items():
        yield Finding("setting", f"{name} cannot be used", why)
    if "HUIKE_SETTINGS" in os.environ and not _FILE.is_file():
        yield Finding("settings file", f"there is no {_FILE}", "mend HUIKE_SETTINGS")
    if _SECRETS and not Path(str(_SECRETS)).is_dir():
        yield Finding("secrets", f"there is no folder {_SECRETS}", "mend HUIKE_SECRETS")
    fields = {field.upper() for field in Settings.model_fields}
    for source, given in (("environment", environment), (str(_FILE), file)):
        for name in given:
            bare = name.removeprefix("HUIKE_")
            if bare in fields or name in _OTHERS or name.startswith(_TESTS):
                continue
            meant = get_close_matches(bare, fields, n=1)
            mend = f"did you mean HUIKE_{meant[0]}?" if meant else "all there are stand above"
            yield Finding("setting", f"{name} ({source}) is none", mend)


def _print(console: Console, found: list[Finding]) -> None:
    console.print()
    console.print("Parts", style="bold")
    for finding in found:
        mark, style = ("✗", "red") if finding.mend else ("✓", "green")
        console.print(
            Text.assemble((f"{mark} ", style), (f"{finding.what}: ", "bold"), finding.found)
        )
        if finding.mend:
            console.print(Text(f"    → {finding.mend}"))
    wrong = sum(1 for finding in found if finding.mend)
    console.print()
    console.print(f"{wrong} to mend." if wrong else "All is well.")
