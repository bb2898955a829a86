"""The pages of the HTTP API: the OpenAPI document, and the same for people."""

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI

from api import app, openapi
from docs.generate.markdown import block, code, document, table

_WHEN: Final = {
    "Successful Response": "It is as follows.",
    "Validation Error": "Something is malformed; `errors` says where.",
}
_METHODS: Final = ("get", "post", "put", "patch", "delete")

_ABOUT: Final = """
The same as OpenAPI 3.1, for programs: [openapi.json](openapi.json); a running service answers it at
`/openapi.json`. What is refused: [refusals](refusals.md).
"""


def described() -> dict[str, Any]:
    """Return what the application says of itself, without anything behind its doors."""
    bare = FastAPI(title="Huike", summary="The customer who comes back", version=version("huike"))
    for router in app.ROUTERS:
        bare.router.routes += router.routes
    return openapi.describe(bare)


def openapi_json() -> str:
    """Return the OpenAPI document, as a running service answers it."""
    return json.dumps(described(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def page() -> str:
    """Return the page of all routes."""
    told = described()
    schemas = told.get("components", {}).get("schemas", {})
    parts = [_ABOUT, told["info"]["description"].strip()]
    for tag in openapi.TAGS:
        parts.append(f"## {tag['name'].capitalize()}\n\n{tag['description']}")
        parts += [
            _operation(path, method, operation)
            for path, methods in told["paths"].items()
            for method, operation in methods.items()
            if method in _METHODS and operation.get("tags", [""])[0] == tag["name"]
        ]
    parts.append("## Bodies\n\nWhat members of a body are made of.")
    parts += [_schema(name, schema) for name, schema in schemas.items()]
    return document("HTTP API", *parts)


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    told = f"### {name}\n\n{schema.get('description', '')}"
    if "enum" in schema:
        return f"{told}\n\nOne of {', '.join(code(value) for value in schema['enum'])}."
    return f"{told}\n\n{_members(schema)}"


def _members(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        [code(field), _type(about) + (", required" if field in required else ""), _said(about)]
        for field, about in schema.get("properties", {}).items()
    ]
    return table(["member", "type", "meaning"], rows)


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    parts = [
        f"### {method.upper()} {path}",
        _told(operation),
        _who(operation),
        table(["parameter", "in", "type", "meaning"], _parameters(operation)),
        *_body(operation),
        *_answers(operation),
    ]
    return "\n\n".join(part for part in parts if part)


def _who(operation: Mapping[str, Any]) -> str:
    """Say by which scope or roles one may ask."""
    enough = [needed["key"] for needed in operation.get("security", ()) if needed["key"]]
    if not enough:
        return ""
    roles = operation.get("x-roles", ())
    told = f"Scope: {' or '.join(' and '.join(map(code, scopes)) for scopes in enough)}."
    return f"{told} Roles: {', '.join(roles)}." if roles else told


def _told(operation: Mapping[str, Any]) -> str:
    """Return summary and description, once where the one begins with the other."""
    summary: str = operation["summary"]
    description: str = operation.get("description", "")
    if description.startswith(summary):
        return description
    return f"**{summary}{'' if summary.endswith('?') else '.'}** {description}"


def _parameters(operation: Mapping[str, Any]) -> Iterator[list[str]]:
    for parameter in operation.get("parameters", ()):
        schema = parameter.get("schema", {})
        needed = "" if not parameter.get("required") or parameter["in"] == "path" else " (required)"
        yield [
            code(parameter["name"]) + needed,
            parameter["in"],
            _type(schema),
            parameter.get("description") or schema.get("description", ""),
        ]


def _body(operation: Mapping[str, Any]) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    if name:
        yield f"Body: [{name}](#{name.lower()})"
    if "example" in content:
        yield block("json", _json(content["example"]))


def _said(about: Mapping[str, Any]) -> str:
    said = about.get("description", "")
    examples = about.get("examples")
    return f"{said} Such as {code(json.dumps(examples[0]))}.".strip() if examples else said


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    several = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if several:
        told = [_type(s) for s in several if s.get("type") != "null"]
        return " or ".join(dict.fromkeys(told))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _answers(operation: Mapping[str, Any]) -> Iterator[str]:
    answers = sorted(operation.get("responses", {}).items())
    yield table(
        ["answer", "when"],
        [
            [code(status), _WHEN.get(about["description"], about["description"])]
            for status, about in answers
        ],
    )
    for status, about in answers:
        for media, content in about.get("content", {}).items():
            if "example" in content and status.startswith("2"):
                example = content["example"]
                text = example if isinstance(example, str) else _json(example)
                yield block("json" if "json" in media else "text", text)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
