"""Who said a fact, as readers are told."""

from collections.abc import Mapping

import msgspec

from domain.shared.events import Fact


class By(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who said so; `name` is what the key is called now, names are reused and ids are not."""

    kind: str
    id: str
    name: str | None = None


def by(fact: Fact, names: Mapping[str, str]) -> By:
    """Return who said a fact; `names`: what actors are called, by their ids."""
    return By(kind=fact.actor_kind, id=fact.actor_id, name=names.get(fact.actor_id))
