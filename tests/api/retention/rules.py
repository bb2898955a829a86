"""What is asked of retention in its tests, and when."""

from datetime import UTC, datetime, timedelta
from typing import Final

LATER: Final = datetime.now(UTC) + timedelta(days=200)
SITE: Final = {"shop/site": 3}
EVERYBODY: Final = {"*": 3}
