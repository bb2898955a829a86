"""Everything that the OpenAPI document offers, asked for in right and in wrong ways, by any key."""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition, Unsatisfiable
from schemathesis import Case
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
LATER = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
SECONDS = 30
HEADERS = {"idempotency-key", "if-match"}
_BOUND = settings(
    database=None,
    deadline=None,
    verbosity=Verbosity.quiet,  # an operation of which nothing can be wrong is no failure
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Asked:
    """What was asked, and how it was answered."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.followed = 0
        """Requests that were made of an answer before them."""
        self.wrong: list[str] = []
        """Answers that are none, or are not as the document says."""


def ask(
    url: str,
    document: Mapping[str, Any],
    keys: Sequence[str],
    ids: Sequence[str],
    examples: int,
) -> Asked:
    """Ask each operation so often in right ways, and as often in wrong ones.

    `keys`: secrets, one of them drawn for each request; `ids`: of what there is, for some paths.
    """
    asked = Asked()
    with requests.Session() as session:
        for found in schemathesis.openapi.from_dict(dict(document)).get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            for mode in GenerationMode:
                cases = operation.as_strategy(generation_mode=mode)

                @given(
                    case=cases,
                    key=st.sampled_from(keys),
                    id=st.one_of(st.none(), st.sampled_from(ids)),
                )
                @settings(_BOUND, max_examples=examples)
                def one(case: Case[Any], key: str, id: str | None) -> None:
                    _known(case, id)
                    _ask(asked, case, url, key, session)

                with contextlib.suppress(Unsatisfiable):  # nothing of it can be wrong
                    one()
    return asked


def follow(
    url: str, document: Mapping[str, Any], keys: Sequence[str], scenarios: int, steps: int
) -> Asked:
    """Go on from what is answered by the document's links: make something, ask for it, change it.

    With each key so many scenarios, of so many steps at most. A key's end where the same words
    are answered otherwise than before, as may be once more has been made.
    """
    asked = Asked()
    schema = schemathesis.openapi.from_dict(dict(document))
    with requests.Session() as session:
        for key in keys:

            class Scenario(schema.as_state_machine()):  # type: ignore[misc]  # made of the document
                secret = key

                def setup(self) -> None:
                    self.last = 1

                def step(self, input: StepInput) -> StepOutput | None:
                    _known(input.case, last=self.last)
                    answer = _ask(asked, input.case, url, self.secret, session)
                    if answer is None:
                        return None
                    asked.followed += input.transition is not None and input.is_applied
                    self.last = max(0, self.last, *map(int, answer.headers.get("x-position", ())))
                    self.after_call(answer, input.case)
                    return StepOutput(answer, input.case)

            bound = settings(_BOUND, max_examples=scenarios, stateful_step_count=steps)
            with contextlib.suppress(FlakyStrategyDefinition):
                Scenario.run(settings=bound)
    return asked


def _known(case: Case[Any], id: str | None = None, last: int = 1) -> None:
    """Ask about something that there is; wait for no position that is far away.

    Headers that the document does not know may break the request before it comes to its door.
    """
    for name in set(case.headers) - HEADERS:
        del case.headers[name]
    if id is not None and "id" in case.path_parameters:
        case.path_parameters["id"] = id
    position = str(case.query.get("position"))
    if position.isdecimal() and int(position) > last:
        case.query["position"] = last


def _ask(
    asked: Asked, case: Case[Any], url: str, key: str, session: requests.Session
) -> Response | None:
    headers = {"Authorization": f"Bearer {key}"}
    what = f"{case.method} {case.path}"
    try:
        answer = case.call(base_url=url, session=session, headers=headers, timeout=SECONDS)
    except requests.RequestException as error:
        asked.wrong.append(f"{what}: {type(error).__name__}: {error}")
        return None
    asked.statuses[answer.status_code] += 1
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and answer.status_code not in LATER:
        asked.wrong.append(f"{what}: {answer.status_code}: {case.as_curl_command()}")
        return None
    try:
        case.validate_response(answer, checks=CHECKS)
    except (Failure, FailureGroup) as failure:
        reasons = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
        for reason in reasons:
            told = " ".join(str(reason).split())
            asked.wrong.append(f"{what}: {told[:300]}: {case.as_curl_command()}")
    return answer
