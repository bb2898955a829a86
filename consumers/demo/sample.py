"""Sends the sample, and one simulated campaign beside it, through the doors that shops use."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, Final

from consumers.demo import simulated
from consumers.demo.journey import Campaign, Journey
from consumers.demo.load import ShopClient

SIMULATED: Final = "simulated"
"""The shop of the simulated customers, so that the sample's figures stay as they are."""

Advance = Callable[[str, int, int], None]

_MOST_OUTCOMES: Final = 10_000
_BEFORE_END: Final = timedelta(days=21)


def send(journey: Journey, client: ShopClient, advance: Advance) -> None:
    """Send households, orders, campaigns, messages and redemptions; all may be sent again."""
    total = journey.orders_count
    count = 0

    def counted(taken: int) -> None:
        nonlocal count
        count += taken
        advance("orders of a year", min(count, total), total)

    advance("households", 0, total)
    client.publish(journey.households(), lambda _: None)
    client.publish(journey.orders(), counted)
    campaigns = journey.campaigns()
    for n, campaign in enumerate(campaigns, 1):
        advance("campaigns and messages", n, len(campaigns))
        _campaign(client, campaign)
    client.publish(journey.redemptions(), lambda _: None)


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

    def report(self, name: str, outcomes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Report outcomes; return those that were refused, each with its index."""
        refused: list[dict[str, Any]] = []
        for n, part in enumerate(_parts(outcomes, _MOST_OUTCOMES)):
            answer = self._step(f"{name}-{n}", "/messages", {"outcomes": part}, None)
            refused += answer["refused"]
        return refused

    def end(self, at: datetime) -> None:
        self._step("end", "/end", {}, at)

    def _step(self, name: str, path: str, body: object, at: datetime | None) -> Any:
        return self._client.command(
            f"{self._place}{path}", body, key=f"{self._code}-{name}", occurred_at=at
        )


def simulate(journey: Journey, client: ShopClient) -> None:
    """Send the simulated campaign: customers, draw, messages, and purchases of known rates."""
    anchor = journey.end - _BEFORE_END
    client.publish(simulated.customers(anchor), lambda _: None)
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
    users = simulated.users()
    run.assign(users)
    # the draw decides who may be sent to: what is reported of the control group is refused
    refused = run.report("sent", (_sent(user, anchor, "email") for user in users))
    control = {users[outcome["index"]] for outcome in refused}
    treated = frozenset(users) - control
    run.report("outcomes", sorted(simulated.outcomes(anchor, treated), key=_when))
    client.publish(simulated.purchases(anchor, treated), lambda _: None)
    run.end(anchor + timedelta(days=7))


def _sent(user: str, at: datetime, channel: str) -> dict[str, Any]:
    return {"user": user, "happened": "sent", "occurred_at": at, "channel": channel}


def _when(outcome: dict[str, Any]) -> datetime:
    moment: datetime = outcome["occurred_at"]
    return moment


def _parts(things: Iterable[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(things)
    for first in iterator:
        yield list(islice(chain([first], iterator), most))
