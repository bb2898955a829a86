"""The lifecycle view obeys the laws of views."""

from projections.lifecycle.projection import lifecycle
from tests.projections.laws import Laws
from tests.projections.lifecycle.stories import lives, one_day, one_life


class TestLaws(Laws):
    view = lifecycle
    histories = lives | one_life | one_day
