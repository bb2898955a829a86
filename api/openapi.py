"""The OpenAPI document: what the routes say, and what holds for all of them."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api import ingest_docs
from api.access import TABLE, Operation
from api.errors import PROBLEM

DESCRIPTION: Final = """
Shops publish what happened, people ask for something to be done, and everything that is known can
be asked about: now, or as it was at any instant.

Show an API key on every request: `Authorization: Bearer hk_...`. A machine's key has **scopes**:
`ingest`, `query`, `command`, `audit`, `admin`, `metrics`; and `personal`, which opens what says who
somebody is. A key that works for people has their **roles**: `admin`, `marketer`, `agent`, `sales`,
`analyst`, `auditor`, `privacy-officer`.

* **Commands** answer `X-Position`: the place in the log of what they recorded. Give it to a query
  as `position=`, and the query waits until its view has come that far. Repeat a command safely
  with the same `Idempotency-Key`. `If-Match` refuses it when somebody was quicker.
* **Queries** say how fresh they are: `X-View-Position` and `X-View-Age` (seconds). `at=` asks about
  another instant, `known_at=` about what was known at a position or an instant; about everybody
  that takes longer, and is answered by a job.
* **Ids** in paths are UUIDs, or the shop's own after their kind: `user:42`, `number:1001`,
  `code:spring`.
* **Errors** are problem details (RFC 9457). `409` is a refusal, with its reason in `detail`; `422`
  says which part of a request is malformed. `X-Request-ID` finds a request again in the logs and in
  the facts that it led to (their `correlation`): what you send of your own is kept if it is a UUID,
  or a `traceparent`; anything else might name somebody, and is replaced.
"""

TAGS: Final = [
    {"name": "tracking", "description": "What shops publish, in the shape of Segment's SDKs."},
    {"name": "customers", "description": "Who the customers are, and what is known of them."},
    {"name": "orders", "description": "What was bought, paid, sent and given back."},
    {"name": "tickets", "description": "What customers turned to the shop for."},
    {"name": "campaigns", "description": "Who was sent what, and what it brought."},
    {"name": "lifecycle", "description": "Stages and tiers, and the policy that tells them."},
    {"name": "audit", "description": "The facts themselves: who, when, because of what."},
    {"name": "jobs", "description": "Questions that take longer than a request."},
    {"name": "health", "description": "For those who run the service."},
]

_REFUSALS: Final = {
    "401": "No API key, or none that lives.",
    "403": "No scope and no role of the key allows it; `scope` and `roles` say which would.",
    "429": "The key has asked as often as it may in a minute: wait as long as Retry-After says.",
    "500": "A fault of the service, or a fact that this version cannot read; `detail` says which.",
    "503": "Something that is needed to answer cannot be reached just now.",
}
_OF_PATHS: Final = {"400": "The path is not UTF-8."}
_OF_BODIES: Final = {
    "408": "The body did not come within 30 seconds.",
    "413": "The body is too large.",
}
_KEY: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "hk_...",
    "description": "An API key, made by `huike keys add NAME --scope ...` or `--role ...`.",
}
_MALFORMED: Final = "Something is malformed; `errors` says where."
_SCHEMA: Final = {
    "title": "Problem",
    "description": "Why a request was not answered (RFC 9457); a refusal adds what it is about.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:huike:problem:malformed"]},
        "title": {"type": "string", "examples": ["Malformed"]},
        "status": {"type": "integer", "examples": [422]},
        "detail": {"type": "string", "examples": ["body/amount: is no number"]},
        "instance": {
            "type": "string",
            "examples": ["urn:huike:request:0b1c2d3e4f5061728394a5b6c7d8e9f0"],
        },
        "request_id": {"type": "string", "examples": ["0b1c2d3e4f5061728394a5b6c7d8e9f0"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_CONTENT: Final = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=DESCRIPTION,
            tags=TAGS,
            routes=app.routes,
        )
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                _complete(operation, TABLE[f"{method.upper()} {path}"])
        _show_nulls(document["paths"], app)
        document["paths"].update(ingest_docs.PATHS)
        _link(document["paths"])
        document["components"]["securitySchemes"] = {"key": _KEY}
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas["Problem"] = _SCHEMA
        app.openapi_schema = document
    return app.openapi_schema


def _enough(entry: Operation) -> list[list[str]]:
    """Return the scopes that are enough, each with what is needed beside it."""
    if entry.whole or not entry.needed:
        return [list(entry.needed)]
    return [[scope] for scope in entry.needed]


def _complete(operation: dict[str, Any], entry: Operation) -> None:
    responses = operation["responses"]
    if not entry.open:
        operation["security"] = [{"key": scopes} for scopes in _enough(entry)]
        operation["x-roles"] = list(entry.allowed)
        refusals = dict(_REFUSALS)
        if any(taken["in"] == "path" for taken in operation.get("parameters", ())):
            refusals |= _OF_PATHS
        if "requestBody" in operation:
            refusals |= _OF_BODIES
        for status, why in refusals.items():
            responses.setdefault(status, {"description": why})
    for status, answer in responses.items():
        if status.startswith(("4", "5")):
            if "$ref" in str(answer.get("content", {})):  # the framework's own
                answer["description"] = _MALFORMED
            answer["content"] = _CONTENT
    operation["responses"] = dict(sorted(responses.items()))


def _show_nulls(paths: dict[str, Any], app: FastAPI) -> None:
    """Give each answer's example as it is written; the framework leaves out what is null."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                answers = paths[route.path_format][method.lower()]["responses"]
                for status, answer in route.responses.items():
                    for media, content in answer.get("content", {}).items():
                        if "example" in content:
                            answers[str(status)]["content"][media]["example"] = content["example"]


def _link(paths: dict[str, Any]) -> None:
    """Say what can be asked and done next, with the id of what was made."""
    for path, methods in paths.items():
        made = methods.get("post", {}).get("responses", {}).get("201")
        if made is not None:
            audited = path.replace("/api/", "/api/audit/", 1)
            made["links"] = {
                operation["operationId"]: _next(operation)
                for place, others in paths.items()
                if f"{place}/".startswith((f"{path}/{{id}}/", f"{audited}/{{id}}/"))
                for operation in others.values()
            }


def _next(operation: dict[str, Any]) -> dict[str, Any]:
    given = {"id": "$response.body#/id"}
    if any(taken["name"] == "position" for taken in operation["parameters"]):
        given["position"] = "$response.header.X-Position"
    return {"operationId": operation["operationId"], "parameters": given}
