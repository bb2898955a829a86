"""One example of every fact, and its body as it was stored.

`python -m tests.domain.samples` adds what is missing. A file that is there is never written again:
the log is full of such bodies.
"""

import base64
import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.activity.events import (
    Aliased,
    Grouped,
    Identified,
    PageViewed,
    Reported,
    ScreenViewed,
    Tracked,
)
from domain.campaign.events import (
    Arm,
    CampaignDrafted,
    CampaignEnded,
    CampaignLaunched,
    Goal,
    RecipientAssigned,
)
from domain.coupon.events import CouponRedeemed
from domain.customer.events import (
    Address,
    Asker,
    ConsentGranted,
    ConsentWithdrawn,
    CustomerErased,
    CustomerRegistered,
    ErasureBegun,
    ErasureCancelled,
    ErasureCertified,
    ErasureRequested,
    Kind,
    KindStated,
    KnownByAnotherId,
    LegalHoldLifted,
    LegalHoldPlaced,
    NoteAdded,
    Person,
    PersonalDataRevealed,
    TagAdded,
    TagRemoved,
    TraitsAsserted,
    VisitorRecognised,
    VisitorRedirected,
)
from domain.key.events import KeyFound, KeyIssued, KeyRevoked, KeyRotated
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.message.events import (
    AddressClass,
    Evidence,
    MessageBounced,
    MessageClicked,
    MessageComplained,
    MessageDelivered,
    MessageFailed,
    MessageOpened,
    MessageSent,
)
from domain.order.events import (
    Line,
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
    OrderShipped,
    OrderToldOfAnotherCustomer,
    ReturnedLine,
)
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.ticket.events import (
    Author,
    TicketAssigned,
    TicketClosed,
    TicketEscalated,
    TicketKind,
    TicketMessageAdded,
    TicketOpened,
    TicketRated,
    TicketReopened,
    TicketResolved,
)

FOLDER: Final = Path(__file__).parent / "golden"
STREAM: Final = UUID("11111111-1111-8111-8111-111111111111")
ORIGIN: Final = UUID("22222222-2222-8222-8222-222222222222")
OTHER: Final = UUID("33333333-3333-8333-8333-333333333333")


class FixedKeys:
    """Seals under keys that anybody can make again: an identity's SHA-256."""

    def seal(self, identity: UUID, plain: bytes, context: bytes) -> bytes:
        nonce = hashlib.sha256(context + plain).digest()[:12]
        return nonce + self._key(identity).encrypt(nonce, plain, context)

    def open(self, identity: UUID, sealed: bytes, context: bytes) -> bytes | None:
        try:
            return self._key(identity).decrypt(sealed[:12], sealed[12:], context)
        except InvalidTag:
            return None

    def has_key(self, identity: UUID) -> bool:
        return bool(identity)

    def blind(self, kind: str, value: str) -> bytes:
        return hashlib.sha256(f"{kind}|{value}".encode()).digest()

    def ensure(self, identities: Collection[UUID]) -> None:
        """Everybody has one."""

    def load(self, identities: Collection[UUID]) -> None:
        """Nothing is kept anywhere."""

    def _key(self, identity: UUID) -> AESGCM:
        return AESGCM(hashlib.sha256(identity.bytes).digest())


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A body as it was stored, and what it says when its personal fields are opened."""

    type: str
    version: int
    stream: UUID
    origin: UUID
    body: msgspec.Raw
    says: Any


CONTENT: Final = bytes(range(16))
CLICK: Final = Evidence(
    agent="Mozilla/5.0", delay_ms=2150, address_class=AddressClass.MOBILE, honeypot=True
)
LINES: Final = (
    Line(
        product="tea",
        name="Green tea",
        category="drinks",
        quantity=Decimal("1.5"),
        unit_price=Decimal("10.00"),
        discount=Decimal("1.00"),
        coupon="TEA5",
    ),
)

ENDS: Final = datetime(2027, 2, 28, 12, tzinfo=UTC)

EXAMPLES: Final[tuple[Event, ...]] = (
    Tracked(
        name="Product Viewed",
        properties={"product_id": "tea", "price": 10.5},
        context={"page": {"path": "/tea"}},
        private={"query": "tea for Ada"},
        content=CONTENT,
    ),
    PageViewed(name="Tea", category="Drinks", properties={"path": "/tea"}, content=CONTENT),
    ScreenViewed(name="Cart", private={"note": "茶"}, content=CONTENT),
    Identified(private={"userId": "42"}, content=CONTENT),
    Grouped(group="acme", traits={"plan": "gold"}, content=CONTENT),
    Aliased(private={"previousId": "v-1", "userId": "42"}, content=CONTENT),
    Reported(name="Order Completed", content=CONTENT),
    CustomerRegistered(id="customer-42"),
    VisitorRecognised(identity=ORIGIN, customer=OTHER),
    KnownByAnotherId(identity=OTHER, kind="anonymous"),
    VisitorRedirected(visitor=OTHER),
    TraitsAsserted(
        person=Person(
            name="Ada Lovelace",
            email="ada@example.com",
            phone="+44 20 7946 0018",
            address=Address(street="1 St James's Sq", city="London", country="GB"),
        ),
        traits={"plan": "gold", "seats": 3, "beta": None},
        private={"shoe": 38},
    ),
    KindStated(kind=Kind.COMPANY),
    ConsentGranted(channel=Channel.EMAIL, purpose="news", source="checkout", wording="v1"),
    ConsentWithdrawn(channel=Channel.SMS, purpose="news", source="link", wording="v1"),
    TagAdded(tag="vip"),
    TagRemoved(tag="vip"),
    NoteAdded(note=OTHER, text="Likes to be called in the morning"),
    PersonalDataRevealed(reason="She asks to be called back", fields=("name", "phone")),
    ErasureRequested(
        erasure=OTHER, by=Asker.CUSTOMER, due_at=datetime(2026, 11, 30, 12, tzinfo=UTC)
    ),
    ErasureCancelled(erasure=OTHER),
    ErasureBegun(erasure=OTHER, identities=(STREAM, OTHER)),
    CustomerErased(erasure=OTHER, identities=(STREAM, OTHER)),
    ErasureCertified(erasure=OTHER, digest="5f" * 32),
    LegalHoldPlaced(reason="A claim is before the court"),
    LegalHoldLifted(reason="The claim was settled"),
    OrderPlaced(
        number="A-1",
        currency="USD",
        lines=LINES,
        total=Decimal("19.00"),
        shipping=Decimal("5.00"),
        tax=Decimal("2.00"),
        discount=Decimal("2.00"),
        coupon="WELCOME",
        channel="app",
    ),
    OrderRevised(number="A-1", currency="USD", lines=LINES, total=Decimal("14.00")),
    OrderPaid(payment="p1", amount=Decimal("19.00"), currency="USD", method="card"),
    OrderShipped(carrier="DHL", tracking="00340434161094042557"),
    OrderDelivered(),
    OrderCancelled(reason="out of stock"),
    OrderRefunded(
        refund="r1",
        amount=Decimal("9.50"),
        currency="USD",
        lines=(ReturnedLine(product="tea", quantity=Decimal(1), amount=Decimal("9.50")),),
        reason="stale",
    ),
    OrderToldOfAnotherCustomer(identity=OTHER),
    TicketOpened(
        number="T-1",
        kind=TicketKind.AFTER_SALES,
        channel=Channel.CHAT,
        about="The tea is stale",
        order=OTHER,
    ),
    TicketMessageAdded(author=Author.CUSTOMER, text="Well?"),
    TicketAssigned(agent="lin"),
    TicketEscalated(to="lead", reason="She is a regular"),
    TicketResolved(outcome="Fresh tea is sent"),
    TicketReopened(reason="Stale again"),
    TicketClosed(),
    TicketRated(score=4, comment="Quick"),
    CampaignDrafted(
        code="spring",
        name="Spring",
        channel=Channel.EMAIL,
        goal=Goal(product="tea", category="drinks"),
        description="For who likes tea",
        simulated=True,
    ),
    CampaignLaunched(control_share=Decimal("0.20"), seed=7),
    CampaignEnded(),
    RecipientAssigned(
        campaign=OTHER,
        arm=Arm.CONTROL,
        anchor=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        goal=Goal(category="drinks"),
        seed=7,
    ),
    MessageSent(campaign=OTHER, channel=Channel.PUSH),
    MessageDelivered(campaign=OTHER),
    MessageOpened(campaign=OTHER, evidence=Evidence()),
    MessageClicked(campaign=OTHER, link="https://shop.example/tea", evidence=CLICK),
    MessageBounced(campaign=OTHER, permanent=True, reason="no such user"),
    MessageFailed(campaign=OTHER, reason="no address"),
    MessageComplained(campaign=OTHER),
    CouponRedeemed(
        code="TEA5", campaign=OTHER, order=STREAM, amount=Decimal("5.00"), currency="USD"
    ),
    LifecyclePolicyAdopted(
        new_days=60,
        silent_after_days=45,
        lost_after_days=120,
        won_back_days=14,
        high_value=Decimal(900),
        general_value=Decimal(90),
        currency="EUR",
    ),
    KeyIssued(
        name="partner",
        roles=(),
        scopes=("ingest", "query"),
        shop="shop",
        source="partner",
        system=True,
        currency="EUR",
        per_minute=600,
        expires_at=ENDS,
    ),
    KeyFound(
        name="grace",
        roles=("agent", "sales"),
        scopes=(),
        shop="shop",
        source="site",
        system=False,
        currency="USD",
        made_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    ),
    KeyRotated(old_opens_until=datetime(2026, 11, 30, 12, tzinfo=UTC), expires_at=ENDS),
    KeyRevoked(),
)


def file_of(name: str, version: int) -> Path:
    return FOLDER / f"{name}.v{version}.json"


def says(event: Event) -> Any:
    """Return what an event says, as JSON values, personal fields opened."""
    return msgspec.json.decode(msgspec.json.encode(event))


def read(file: Path) -> Sample:
    return msgspec.json.decode(file.read_bytes(), type=Sample)


def plain_words(body: bytes) -> bytes:
    """Return a body together with its sealed values as they are: where a plain word could show."""
    sealed = [
        base64.b64decode(value["sealed"])
        for value in msgspec.json.decode(body).values()
        if isinstance(value, dict) and value.keys() == {"sealed"}
    ]
    return body + b"".join(sealed)


def write_missing() -> None:
    for event in EXAMPLES:
        stored = event.stored
        file = file_of(stored.name, stored.version)
        if not file.exists():
            sample = Sample(
                type=stored.name,
                version=stored.version,
                stream=STREAM,
                origin=ORIGIN,
                body=msgspec.Raw(stored.encode(event, STREAM, ORIGIN, FixedKeys())),
                says=says(event),
            )
            file.write_bytes(msgspec.json.format(msgspec.json.encode(sample), indent=2) + b"\n")


if __name__ == "__main__":
    write_missing()
