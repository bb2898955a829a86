"""Every view that Huike keeps, by name."""

from collections.abc import Mapping
from typing import Final

from projections.conversion.projection import conversion
from projections.lifecycle.projection import lifecycle
from projections.profile.projection import profile
from projections.projection import View
from projections.timeline.projection import timeline

VIEWS: Final[Mapping[str, View]] = {v.name: v for v in (profile, timeline, lifecycle, conversion)}
