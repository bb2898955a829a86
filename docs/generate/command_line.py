"""The page of the command line, from the commands themselves."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

import huike
from docs.generate.markdown import block, code, document, table


def page() -> str:
    """Return the page of all commands."""
    root: Any = get_command(huike.app)
    own = _parameters([p for p in root.params if p.help and p.name != "help"])
    return document("Command line", _paragraphs(root.help), own, *_commands(root, "huike"))


def _commands(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        whole = f"{path} {name}"
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield _command(command, whole)
            yield from _commands(command, whole)
        else:
            yield _command(command, whole)


def _command(command: Any, path: str) -> str:
    parameters = [p for p in command.params if p.name != "help"]
    usage = " ".join([path, *(_usage(p) for p in parameters)])
    parts = [
        f"## {path}",
        _paragraphs(command.help),
        block("text", usage),
        _parameters(parameters),
    ]
    return "\n\n".join(part for part in parts if part)


def _parameters(parameters: list[Any]) -> str:
    rows = [[code(_name(p)), _default(p), _help(p)] for p in parameters]
    return table(["parameter", "default", "meaning"], rows)


def _paragraphs(text: str | None) -> str:
    parts = (text or "").split("\n\n")
    return "\n\n".join(p if p.startswith("```") else " ".join(p.split()) for p in parts)


def _is_option(parameter: Any) -> bool:
    return any(name.startswith("-") for name in parameter.opts)


def _name(parameter: Any) -> str:
    told: str = max(parameter.opts, key=len)
    return told if _is_option(parameter) else parameter.name.upper()


def _usage(parameter: Any) -> str:
    told: str = _name(parameter)
    if _is_option(parameter) and not getattr(parameter, "is_flag", False):
        told += f" {parameter.name.upper()}"
    if getattr(parameter, "multiple", False) or getattr(parameter, "nargs", 1) == -1:
        told += " ..."
    return told if parameter.required else f"[{told}]"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if getattr(parameter, "is_flag", False):
        return "off"
    return code(value) if value is not None and value != [] else "none"


def _help(parameter: Any) -> str:
    return getattr(parameter, "help", None) or ""
