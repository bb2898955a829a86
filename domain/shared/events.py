"""Events: what happened, in the words of the shop; stored under a name that never changes."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar, get_type_hints
from uuid import UUID

import msgspec

from domain.shared.personal import ERASED, Sealed, Sealer, is_personal, plain_type
from domain.shared.refusals import UnreadableFact

E = TypeVar("E", bound="Event")


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of an event, compared by what it says."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened. Never edited, only followed by another."""

    stored: ClassVar["Stored"]


class Fact(msgspec.Struct, frozen=True, gc=False):
    """An event at its place in the log: what, when, whose, who said so and because of what."""

    position: int
    stream: UUID
    version: int
    type: str
    shop: str
    source: str
    origin: UUID | None
    subject: UUID | None
    occurred_at: datetime
    recorded_at: datetime
    actor_kind: str
    actor_id: str
    correlation: str
    causation: UUID | None
    event: Event


class UnknownFact(Exception):
    """A stored name or version that this version of Huike does not know."""


class Unreadable(Event, frozen=True, kw_only=True):
    """Stands where an event cannot be read: whoever makes anything of facts has to stop at it."""

    version: int
    body: bytes
    why: str

    def refused(self, position: int, type_: str) -> UnreadableFact:
        """Return what to raise for the fact that holds it."""
        return UnreadableFact(position=position, type=type_, version=self.version, why=self.why)


class NotRead(Exception):
    """Something of an event was asked for that was not read: whoever reads it asked for less."""


class _Unread:
    """Stands in each field of an event of which only the kind was read."""

    def _refuse(self, *_: object) -> Any:
        raise NotRead(NotRead.__doc__)

    __getattr__ = __bool__ = __eq__ = __hash__ = __iter__ = __len__ = __str__ = _refuse


UNREAD: Final = _Unread()


def readable(facts: Iterable[Fact]) -> Iterable[Fact]:
    """Yield facts up to the first that cannot be read. Raises UnreadableFact there."""
    for fact in facts:
        if isinstance(fact.event, Unreadable):
            raise fact.event.refused(fact.position, fact.type)
        yield fact


class Stored:
    """How one class of event stands in the log: its name, version, sealed fields and codecs.

    `body`: the struct that is written, personal fields as `Sealed`; the class itself without them.
    """

    def __init__(self, cls: type[Event], name: str, version: int) -> None:
        hints = get_type_hints(cls, include_extras=True)
        fields = {f.name: f for f in msgspec.structs.fields(cls)}
        self.cls = cls
        self.name = name
        self.version = version
        self.personal: Final = {n: plain_type(hints[n]) for n in fields if is_personal(hints[n])}
        self._sealed = [
            (n, f"|{name}|{n}".encode(), msgspec.json.Decoder(t).decode)
            for n, t in self.personal.items()
        ]
        self.body: Any = cls
        if self.personal:
            self.body = msgspec.defstruct(
                f"Stored{cls.__name__}",
                [
                    (n, Sealed | None, None)
                    if n in self.personal
                    else (n, hints[n])
                    if f.required
                    else (n, hints[n], _default(f))
                    for n, f in fields.items()
                ],
                frozen=True,
                kw_only=True,
                omit_defaults=True,
            )
        self._decoder = msgspec.json.Decoder(self.body)
        self.unread: Final[Event] = cls(**dict.fromkeys(fields, UNREAD))
        """Stands for any event of the class of which nothing but the kind was read."""
        self._names = tuple(fields)

    def encode(self, event: Event, stream: UUID, origin: UUID | None, sealer: Sealer) -> bytes:
        """Return the body as it is stored: JSON, personal fields sealed with the origin's key.

        Raises ValueError when a personal field has nobody whose key could seal it.
        """
        if not self.personal:
            return _encode(event)
        values = msgspec.structs.asdict(event)
        for name, context, _ in self._sealed:
            plain = values[name]
            if plain is None:
                continue
            if origin is None:
                msg = f"{self.name}.{name} is personal, and this fact is nobody's"
                raise ValueError(msg)
            values[name] = Sealed(sealer.seal(origin, _encode(plain), stream.bytes + context))
        return _encode(self.body(**values))

    def decode(
        self, body: bytes, version: int, stream: UUID, origin: UUID | None, sealer: Sealer | None
    ) -> Event:
        """Return the event of a stored body; sealed fields opened, or ERASED where they cannot be.

        Raises UnknownFact for a version newer than this one, msgspec.ValidationError for a body
        that is not of its class.
        """
        if version != self.version:
            return self._decode_older(body, version, stream, origin, sealer)
        stored = self._decoder.decode(body)
        if not self.personal:
            return stored  # type: ignore[no-any-return]  # then it is of the class itself
        values = msgspec.structs.asdict(stored)
        for name, context, opened in self._sealed:
            if (value := values[name]) is None:
                continue
            plain = None
            if sealer is not None and origin is not None:
                plain = _opened(sealer, origin, value.sealed, stream.bytes + context)
            values[name] = ERASED if plain is None else opened(plain)
        return self.cls(**values)

    def _decode_older(
        self, body: bytes, version: int, stream: UUID, origin: UUID | None, sealer: Sealer | None
    ) -> Event:
        if version > self.version:
            msg = f"{self.name} v{version} is a newer Huike's; this one knows v{self.version}"
            raise UnknownFact(msg)
        state: dict[str, Any] = msgspec.json.decode(body)
        for name, value in state.items():
            if isinstance(value, dict) and value.keys() == {"sealed"}:
                sealed = msgspec.convert(value, Sealed, str_keys=True, strict=False).sealed
                plain = None
                if sealer is not None and origin is not None:
                    context = stream.bytes + f"|{self.name}|{name}".encode()
                    plain = _opened(sealer, origin, sealed, context)
                state[name] = ERASED if plain is None else msgspec.json.decode(plain)
        for step in range(version, self.version):
            getattr(self.cls, f"upcast_v{step}_v{step + 1}")(state)
        opened = {n: state.pop(n) for n in self.personal if n in state}
        base = msgspec.convert(state, self.body, strict=False)
        values = {n: getattr(base, n) for n in self._names}
        for name, value in opened.items():
            wanted = self.personal[name]
            values[name] = value if value is ERASED else msgspec.convert(value, wanted)
        return self.cls(**values)


def _opened(sealer: Sealer, origin: UUID, sealed: bytes, context: bytes) -> bytes | None:
    """Return what was sealed, None when the key is gone. Raises UnknownFact for a broken seal."""
    plain = sealer.open(origin, sealed, context)
    if plain is None and sealer.has_key(origin):  # else it would pass for erased
        msg = "a sealed field does not open with its person's key"
        raise UnknownFact(msg)
    return plain


_encode: Final = msgspec.json.Encoder(decimal_format="string", order=None).encode

FACTS: Final[dict[str, Stored]] = {}
"""Every stored name that is known, filled by `@fact` as the events' modules are imported."""


def fact(name: str, *, version: int = 1) -> Callable[[type[E]], type[E]]:
    """Give a class of event the name and version that it is stored under, for ever.

    A version above 1 needs `upcast_v1_v2(state: dict) -> None` and so on as static methods: `state`
    is a body as it was stored, its personal fields opened, or ERASED. What is left out of a body
    has its class's default, so a default is changed by a new version, as anything else.
    Raises ValueError when the name is taken.
    """

    def register(cls: type[E]) -> type[E]:
        if name in FACTS:
            msg = f"two events are stored as {name}"
            raise ValueError(msg)
        cls.stored = FACTS[name] = Stored(cls, name, version)
        return cls

    return register


def decode(  # noqa: PLR0913, PLR0917  # a stored row has as many parts
    type_: str, version: int, body: bytes, stream: UUID, origin: UUID | None, sealer: Sealer | None
) -> Event:
    """Return the event of a stored row. Raises UnknownFact when its name is not known."""
    try:
        stored = FACTS[type_]
    except KeyError:
        msg = f"{type_} is not a fact that this Huike knows"
        raise UnknownFact(msg) from None
    return stored.decode(body, version, stream, origin, sealer)


def _default(field: Any) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return field.default
