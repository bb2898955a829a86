"""Given what happened, when something is asked, then this happens: or it is refused."""

from collections.abc import Callable
from typing import Generic, Self, TypeVar
from uuid import UUID

import pytest

from domain.shared.aggregate import Root
from domain.shared.events import Event
from domain.shared.refusals import Refused

R = TypeVar("R", bound=Root)

ID = UUID("00000000-0000-8000-8000-000000000001")


class Scenario(Generic[R]):
    """One root's story, without a log: `of(Order).given(placed).when(pay).then(paid)`."""

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        self._past: tuple[Event, ...] = ()
        self._ask: Callable[[R], None] = lambda _: None

    def given(self, *events: Event) -> Self:
        self._past = events
        return self

    def when(self, ask: Callable[[R], None]) -> Self:
        self._ask = ask
        return self

    def then(self, *events: Event) -> None:
        root = self._kind.after(ID, self._past)
        self._ask(root)
        decided = root.collect_events()
        assert [d.event for d in decided] == list(events)
        first = len(self._past) + 1
        assert [d.originator_version for d in decided] == list(range(first, first + len(events)))
        assert {d.originator_id for d in decided} <= {ID}

    def then_nothing(self) -> None:
        self.then()

    def then_refused(self, refusal: type[Refused], *said: str) -> None:
        """Refused so, and the sentence holds what is `said`; nothing was decided."""
        root = self._kind.after(ID, self._past)
        with pytest.raises(refusal) as caught:
            self._ask(root)
        sentence = str(caught.value)
        assert type(caught.value) is refusal
        assert "{" not in sentence
        for words in said:
            assert words in sentence
        assert not root.collect_events()


def of(kind: type[R]) -> Scenario[R]:
    return Scenario(kind)
