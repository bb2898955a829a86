"""Who recorded facts and read data: what is kept of each, for an auditor; never their secrets."""

from collections.abc import Iterable

import msgspec

from infra.evidence import Actor
from infra.keys import Key, Keys
from infra.postgres import Pool


def known(pool: Pool, asked: Iterable[tuple[str, str]]) -> list[Actor]:
    """Return what is known of actors (kind and id), each once, in order; of keys as they stand."""
    keys = {("key", str(key.id)): key for key in Keys(pool).all()}
    return [_actor(*one, keys.get(one)) for one in sorted(set(asked))]


def _actor(kind: str, id: str, key: Key | None) -> Actor:
    if key is None:
        return Actor(kind=kind, id=id)
    names = Actor.__struct_fields__
    kept = {name: value for name, value in msgspec.structs.asdict(key).items() if name in names}
    return Actor(**{**kept, "kind": kind, "id": id})
