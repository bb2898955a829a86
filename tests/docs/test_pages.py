"""The documents name nothing that is not there: links, settings, commands, checks, routes."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from typer.main import get_command

import huike
from docs.generate.pages import PAGES, REFERENCE
from infra.settings import Settings
from tests.docs.running import DOCS, ROOT

PAGES_BY_HAND: Final = sorted(
    page for page in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")) if page.parent != REFERENCE
)
EVERY_PAGE: Final = sorted([*PAGES_BY_HAND, *REFERENCE.glob("*.md")])


each_page = pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda p: str(p.relative_to(ROOT)))


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_what_the_program_does(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        place, _, anchor = target.partition("#")
        assert "://" not in place, f"{target}: documents are whole without the network"
        found = (page.parent / place).resolve() if place else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def test_every_page_can_be_reached() -> None:
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", without_code(page))
        found = {(page.parent / target).resolve() for target in targets}
        waiting += [f for f in found if f.suffix == ".md" and f not in seen]
    assert set(EVERY_PAGE) <= seen


@each_page
def test_settings_that_are_named_exist(page: Path) -> None:
    known = {f"HUIKE_{name.upper()}" for name in Settings.model_fields}
    known |= {
        "HUIKE_SETTINGS",
        "HUIKE_SECRETS",
        "HUIKE_POSTGRES_PASSWORD",
        "HUIKE_TEST_KAFKA",
        "HUIKE_TEST_POSTGRES",
    }
    assert set(re.findall(r"\bHUIKE_[A-Z_]+\b", page.read_text(encoding="utf-8"))) <= known


@each_page
def test_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("docker compose exec serve huike", "huike")
    for line in re.findall(r"(?:^|[`$(] ?)huike ([a-z][^`\n)]*)", text, re.MULTILINE):
        words = re.split(r"[|>;#]|\s\s", line)[0].split()
        command: Any = get_command(huike.app)
        while words and hasattr(command, "commands") and words[0][0] not in "-[":
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        options = {name for parameter in command.params for name in parameter.opts}
        used = {word for word in words if word.startswith("--")}
        assert used <= options, line


@pytest.mark.parametrize("page", sorted((DOCS / "how-to").glob("*.md")), ids=lambda p: str(p.name))
def test_a_how_to_sets_what_it_uses_and_shows_what_is_answered(page: Path) -> None:
    blocks = re.findall(
        r"^ *```(?:sh|console)\n(.*?)^ *```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    code = "\n".join(blocks)
    used = set(re.findall(r"\$\{?([A-Z]+)\b", code))
    assert used <= {"PWD", *re.findall(r"\b([A-Z]+)=", code)}
    assert not re.search(r"^(?:\$ )?(?:curl|huike) .*>\s*/dev/null", code, re.MULTILINE)


@pytest.mark.parametrize(
    "page", sorted((DOCS / "decisions").glob("0*.md")), ids=lambda p: str(p.name)
)
def test_a_decision_names_a_check_that_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    checks = text.partition("**Checked by.**")[2]
    named = re.findall(r"`(tests/[^`]+)`", checks)
    assert named or "import-linter" in checks
    for check in named:
        file, _, test = check.partition("::")
        assert (ROOT / file).exists(), check
        if test:
            assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), check


def test_every_threat_names_what_tries_it() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    threats = [line for line in text.splitlines() if line.count("|") == 5][2:]
    assert threats
    for threat in threats:
        named = re.findall(r"`([^`]+)`", threat.split("|")[4])
        assert named, threat
        assert all((ROOT / file).exists() for file in named), threat


def test_decisions_are_numbered() -> None:
    for number, page in enumerate(sorted((DOCS / "decisions").glob("0*.md")), 1):
        assert page.name.startswith(f"{number:04}-")
        assert page.read_text(encoding="utf-8").startswith(f"# {number}. ")


@pytest.mark.parametrize("page", [*EVERY_PAGE, *sorted(DOCS.rglob("*.py")), DOCS / "flow.svg"])
def test_no_page_knows_a_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert not re.search(r"(?<![\w.])/(work|home|root|Users|tmp)/", text)
    assert not re.search(r"--(?:[a-z]+-)?(?:index|find-links|registry|trusted-host)\b", text)


def test_the_lock_file_says_what_to_install_and_never_from_where() -> None:
    comment, *lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert comment.startswith("# ")
    assert len(lines) > 50
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!+]+", line)] == []


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda p: str(p.relative_to(ROOT)))
def test_python_in_a_page_is_python(page: Path) -> None:
    for code in re.findall(
        r"^ *```python\n(.*?)^ *```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        ast.parse(re.sub(r"^   ", "", code, flags=re.MULTILINE) if code.startswith("   ") else code)


def test_openapi_and_asyncapi_lead_nowhere_else() -> None:
    for name, told in (
        ("openapi.json", json.loads((REFERENCE / "openapi.json").read_text("utf-8"))),
        ("asyncapi.yaml", yaml.safe_load((REFERENCE / "asyncapi.yaml").read_text("utf-8"))),
    ):
        for pointer in references(told):
            part = told
            for step in pointer.removeprefix("#/").split("/"):
                assert step in part, f"{name}: {pointer}"
                part = part[step]


def test_the_asyncapi_document_has_what_the_standard_asks() -> None:
    told = yaml.safe_load((REFERENCE / "asyncapi.yaml").read_text(encoding="utf-8"))
    assert told["asyncapi"] == "3.1.0"
    assert {"title", "version"} <= told["info"].keys()
    for operation in told["operations"].values():
        assert operation["action"] in {"send", "receive"}
    for server in told["servers"].values():
        assert {"host", "protocol"} <= server.keys()


def test_every_column_of_a_view_is_told() -> None:
    page = (REFERENCE / "views.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `.*\|  \|$", page, re.MULTILINE) == []


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def without_code(page: Path) -> str:
    text = re.sub(
        r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    return re.sub(r"`[^`\n]*`", lambda found: found[0].replace("](", "] ("), text)


def anchors(page: Path) -> set[str]:
    """Return a page's anchors, as they are made from its headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
