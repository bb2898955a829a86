"""Every drill there is, in the order in which they are run."""

from tests.drills.clock import CLOCK
from tests.drills.disk import DISK
from tests.drills.drill import Drill
from tests.drills.hostile import HOSTILE
from tests.drills.kafka_lost import KAFKA
from tests.drills.kill import KILL
from tests.drills.overload import OVERLOAD
from tests.drills.poison import POISON_DRILL
from tests.drills.postgres_lost import POSTGRES
from tests.drills.rebuilt import REBUILD
from tests.drills.slots import SLOTS
from tests.drills.soak import SOAK
from tests.drills.stall import STALL
from tests.drills.versions import VERSIONS
from tests.drills.writers import WRITERS_DRILL

_IN_ORDER = (
    WRITERS_DRILL,
    KILL,
    POSTGRES,
    KAFKA,
    STALL,
    DISK,
    POISON_DRILL,
    OVERLOAD,
    REBUILD,
    VERSIONS,
    CLOCK,
    HOSTILE,
    SLOTS,
    SOAK,
)

DRILLS: dict[str, Drill] = {drill.name: drill for drill in _IN_ORDER}
