"""The compose file starts with no password that was not given, open to this machine alone."""

import re
from typing import Any, Final

import yaml

from tests.docs.running import ROOT

TEXT: Final = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(TEXT)


def test_without_a_password_nothing_starts_and_it_is_said_what_to_do() -> None:
    asked = re.findall(r"\$\{(\w*PASSWORD\w*)(.*?)\}", TEXT)
    assert {name for name, _ in asked} == {"HUIKE_POSTGRES_PASSWORD"}
    for _, otherwise in asked:
        assert otherwise.startswith(":?"), "a password has no default"
        (page,) = re.findall(r"docs/\S+\.md", otherwise)
        assert "HUIKE_POSTGRES_PASSWORD=" in (ROOT / page).read_text(encoding="utf-8")


def test_the_superuser_has_that_password() -> None:
    postgres = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert postgres in COMPOSE["x-huike"]["environment"]["HUIKE_LOG_URL"]


def test_ports_are_open_to_this_machine_alone() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_holds_the_password_is_neither_committed_nor_built_in() -> None:
    for ignored in (".gitignore", ".dockerignore"):
        assert ".env" in (ROOT / ignored).read_text("utf-8").replace("/", "").splitlines()
