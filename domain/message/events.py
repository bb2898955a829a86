"""What happens to a message on its way; recorded in the stream of its campaign and recipient."""

from enum import StrEnum
from uuid import UUID

from domain.shared.channel import Channel
from domain.shared.events import Event, Value, fact
from domain.shared.personal import Personal


class AddressClass(StrEnum):
    """What kind of network a click or an open came from."""

    RESIDENTIAL = "residential"
    MOBILE = "mobile"
    BUSINESS = "business"
    DATACENTER = "datacenter"
    UNKNOWN = "unknown"


class Evidence(Value, frozen=True, kw_only=True):
    """What is known of an open or a click. Whether a person did it is judged later, from this."""

    agent: str | None = None
    delay_ms: int | None = None
    address_class: AddressClass = AddressClass.UNKNOWN
    honeypot: bool = False


@fact("message.sent")
class MessageSent(Event, frozen=True, kw_only=True):
    """The message went out."""

    campaign: UUID
    channel: Channel


@fact("message.delivered")
class MessageDelivered(Event, frozen=True, kw_only=True):
    """The recipient's provider took it."""

    campaign: UUID


@fact("message.opened")
class MessageOpened(Event, frozen=True, kw_only=True):
    """It was opened, by somebody or something."""

    campaign: UUID
    evidence: Evidence


@fact("message.clicked")
class MessageClicked(Event, frozen=True, kw_only=True):
    """A link in it was followed, by somebody or something. Links often carry who was sent them."""

    campaign: UUID
    link: Personal[str]
    evidence: Evidence


@fact("message.bounced")
class MessageBounced(Event, frozen=True, kw_only=True):
    """It came back: for good, when the address does not exist. Reasons often quote the address."""

    campaign: UUID
    permanent: bool
    reason: Personal[str | None] = None


@fact("message.failed")
class MessageFailed(Event, frozen=True, kw_only=True):
    """It could not be sent."""

    campaign: UUID
    reason: Personal[str]


@fact("message.complained")
class MessageComplained(Event, frozen=True, kw_only=True):
    """The recipient called it unwanted."""

    campaign: UUID
