"""A views' worker whose profile cannot fold one fact; run as a process, given its position."""

import sys
from typing import Any, Final

from consumers.work import work
from domain.shared.events import Fact
from infra.settings import Settings
from projections.projection import View
from tests.drills.stopping import stop_event

WHY: Final = "this version did not think of that"

_fold = View.fold


def clumsy(view: View, rows: Any, fact: Fact) -> None:
    """Fold as ever, but raise on one fact."""
    if view.name == "profile" and fact.position == int(sys.argv[1]):
        raise ValueError(WHY)
    _fold(view, rows, fact)


if __name__ == "__main__":
    setattr(View, "fold", clumsy)  # noqa: B010  # that is what is wrong with this version
    work(Settings(), "views", stop_event())
