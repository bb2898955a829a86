"""Sends the sample, and one simulated campaign beside it, through the doors that shops use."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, Final
from uuid import UUID

from consumers.demo import simulated
from consumers.demo.journey import Campaign, Journey
from consumers.demo.load import NotTaken, ShopClient
from domain.campaign.draw import draw
from domain.campaign.events import Arm
from domain.shared.ids import Ids

SIMULATED: Final = "simulated"
"""The shop of the simulated customers, so that the sample's figures stay as they are."""

Advance = Callable[[str, int, int], None]

_MOST_OUTCOMES: Final = 10_000
_BEFORE_END: Final = timedelta(days=21)


HOUSEHOLDS: Final = "households become customers"
ORDERS: Final = "their orders of a year"
CAMPAIGNS: Final = "campaigns and messages"
SIMULATION: Final = "a simulated campaign"
STEPS: Final = (HOUSEHOLDS, ORDERS, CAMPAIGNS, SIMULATION)
"""What is sent, in this order."""


def send(journey: Journey, client: ShopClient, advance: Advance) -> None:
    """Send households, orders, campaigns, messages and redemptions; all may be sent again."""
    households, orders = journey.households_count, journey.orders_count
    client.publish(journey.households(), _counted(HOUSEHOLDS, households, advance))
    client.publish(journey.orders(), _counted(ORDERS, orders, advance))
    campaigns = journey.campaigns()
    advance(CAMPAIGNS, 0, len(campaigns))
    for n, campaign in enumerate(campaigns, 1):
        _campaign(client, campaign)
        advance(CAMPAIGNS, n, len(campaigns))
    client.publish(journey.redemptions(), lambda _: None)


def _counted(step: str, total: int, advance: Advance) -> Callable[[int], None]:
    count = 0

    def counted(taken: int) -> None:
        nonlocal count
        count += taken
        advance(step, count, total)

    advance(step, 0, total)
    return counted


def _campaign(client: ShopClient, campaign: Campaign) -> None:
    run = CampaignRun(client, campaign.code, campaign.anchor)
    run.launch(campaign.name, "post", "0")
    if campaign.households:
        run.assign(campaign.households)
        run.report("messages", (_sent(u, campaign.anchor, "post") for u in campaign.households))
    run.end(campaign.end)


class CampaignRun:
    """One campaign being told: each step once, at the instant at which it happened."""

    def __init__(self, client: ShopClient, code: str, anchor: datetime) -> None:
        self._client = client
        self._code = code
        self._anchor = anchor
        self._place = "/api/campaigns"

    def launch(
        self, name: str, channel: str, control_share: str, seed: int | None = None, **more: Any
    ) -> None:
        """Draft the campaign a week before its anchor and launch it a day before."""
        week, day = self._anchor - timedelta(days=7), self._anchor - timedelta(days=1)
        draft = {"code": self._code, "name": name, "channel": channel, **more}
        self._place += f"/{self._step('draft', '', draft, week)['id']}"
        self._step("launch", "/launch", {"control_share": control_share, "seed": seed}, day)

    def assign(self, users: Iterable[str]) -> None:
        drawn = {"users": list(users), "anchor": self._anchor}
        self._step("recipients", "/recipients", drawn, self._anchor)

    def report(self, name: str, outcomes: Iterable[dict[str, Any]]) -> None:
        """Report outcomes. Raises NotTaken when one was refused: the draw was another then."""
        for n, part in enumerate(_parts(outcomes, _MOST_OUTCOMES)):
            answer = self._step(f"{name}-{n}", "/messages", {"outcomes": part}, None)
            if answer["refused"]:
                raise NotTaken(answer["refused"][:3])

    def end(self, at: datetime) -> None:
        self._step("end", "/end", {}, at)

    def _step(self, name: str, path: str, body: object, at: datetime | None) -> Any:
        return self._client.command(
            f"{self._place}{path}", body, key=f"{self._code}-{name}", occurred_at=at
        )


def simulate(journey: Journey, client: ShopClient, ids: Ids, advance: Advance) -> None:
    """Send the simulated campaign: customers, draw, messages, and purchases of known rates."""
    anchor = journey.end - _BEFORE_END
    players = simulated.cast(lambda user: _is_held_out(ids.user(SIMULATED, user)))
    counted = _counted(SIMULATION, len(players), advance)
    client.publish(simulated.customers(anchor, players), lambda taken: counted(taken // 2))
    run = CampaignRun(client, simulated.CODE, anchor)
    run.launch(
        simulated.NAME,
        "email",
        str(simulated.CONTROL_SHARE),
        simulated.SEED,
        simulated=True,
        description="Made up, with a known truth: "
        f"{simulated.TREATED_RATE:.0%} of the treated and {simulated.CONTROL_RATE:.0%} of the "
        f"control group buy within seven days. Seed {simulated.SEED}.",
    )
    run.assign(player.user for player in players)
    treated = [player.user for player in players if player.treated]
    run.report("sent", (_sent(user, anchor, "email") for user in treated))
    run.report("outcomes", sorted(simulated.outcomes(anchor, players), key=_when))
    client.publish(simulated.purchases(anchor, players), lambda _: None)
    run.end(anchor + timedelta(days=7))
    advance(SIMULATION, len(players), len(players))


def _is_held_out(recipient: UUID) -> bool:
    return draw(simulated.SEED, recipient, simulated.CONTROL_SHARE) is Arm.CONTROL


def _sent(user: str, at: datetime, channel: str) -> dict[str, Any]:
    return {"user": user, "happened": "sent", "occurred_at": at, "channel": channel}


def _when(outcome: dict[str, Any]) -> datetime:
    moment: datetime = outcome["occurred_at"]
    return moment


def _parts(things: Iterable[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(things)
    for first in iterator:
        yield list(islice(chain([first], iterator), most))
