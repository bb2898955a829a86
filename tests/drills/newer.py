"""The command line of a newer Huike, which knows a second version of a fact; run as a process."""

from typing import Any

from domain.customer.events import TraitsAsserted
from domain.shared.events import FACTS
from huike import app

NAME = "customer.traits-asserted"


def upcast(state: dict[str, Any]) -> None:
    """Read a first version as a second: they differ in nothing but their number."""
    state.setdefault("traits", {})


if __name__ == "__main__":
    setattr(TraitsAsserted, "upcast_v1_v2", staticmethod(upcast))  # noqa: B010  # as the newer has
    FACTS[NAME].version = 2
    app()
