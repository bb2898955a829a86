"""The page of settings, from the class that reads them."""

from pathlib import Path

from docs.generate.markdown import code, document, table
from infra.settings import Settings

_ABOUT = """
Settings are environment variables. Those that are not set are looked up in the file `huike.env`
of the working folder, or in the file that `HUIKE_SETTINGS` names; lines are `NAME=value`. What is
not there either is looked up in the folder that `HUIKE_SECRETS` names, where each file is called as
the setting that it holds, in small letters (`huike_log_url`, `huike_kafka_password`). Every process
of one installation needs the same ones. `huike doctor` prints them, and says what is wrong
and how to mend it.
"""


def page() -> str:
    """Return the page of all settings."""
    rows = [
        [code(f"HUIKE_{name.upper()}"), _shown(field.default), field.description or ""]
        for name, field in Settings.model_fields.items()
    ]
    rows.append(["`HUIKE_SETTINGS`", "`huike.env`", "File that is read for what is not set."])
    rows.append(["`HUIKE_SECRETS`", "not set", "Folder of files that hold secrets."])
    return document("Settings", _ABOUT, table(["name", "default", "meaning"], rows))


def _shown(value: object) -> str:
    if value is None or value == ():
        return "not set"
    return code(value.as_posix() if isinstance(value, Path) else value)
