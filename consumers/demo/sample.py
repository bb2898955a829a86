"""Sends the sample, and one simulated campaign beside it, through the doors that shops use."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, Final

from consumers.demo import simulated
from consumers.demo.journey import Campaign, Journey
from consumers.demo.load import ShopClient

SIMULATED: Final = "simulated"
"""The shop of the simulated customers, so that the real shop's figures stay as they are."""

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
    id_ = _draft(client, campaign.code, campaign.name)
    client.command(
        f"/api/campaigns/{id_}/launch", {"control_share": "0"}, key=f"{campaign.code}-launch"
    )
    if not campaign.households:
        return
    client.command(
        f"/api/campaigns/{id_}/recipients",
        {"users": campaign.households, "anchor": campaign.anchor},
        key=f"{campaign.code}-recipients",
    )
    _report(
        client,
        id_,
        campaign.code,
        (
            {"user": user, "happened": "sent", "occurred_at": campaign.anchor, "channel": "post"}
            for user in campaign.households
        ),
    )


def _draft(client: ShopClient, code: str, name: str, **more: Any) -> str:
    answer = client.command(
        "/api/campaigns",
        {"code": code, "name": name, "channel": "post", **more},
        key=f"{code}-draft",
    )
    return str(answer["id"])


def _report(client: ShopClient, id_: str, code: str, outcomes: Iterable[dict[str, Any]]) -> None:
    for n, part in enumerate(_parts(outcomes, _MOST_OUTCOMES)):
        client.command(
            f"/api/campaigns/{id_}/messages", {"outcomes": part}, key=f"{code}-messages-{n}"
        )


def simulate(journey: Journey, client: ShopClient) -> None:
    """Send the simulated campaign: customers, draw, messages, and purchases of known rates."""
    anchor = journey.end - _BEFORE_END
    client.publish(simulated.customers(anchor), lambda _: None)
    id_ = _draft(
        client,
        simulated.CODE,
        simulated.NAME,
        simulated=True,
        description="Made up, with a known truth: "
        f"{simulated.TREATED_RATE:.0%} of the treated and {simulated.CONTROL_RATE:.0%} of the "
        f"control group buy within seven days. Seed {simulated.SEED}.",
    )
    client.command(
        f"/api/campaigns/{id_}/launch",
        {"control_share": str(simulated.CONTROL_SHARE), "seed": simulated.SEED},
        key=f"{simulated.CODE}-launch",
    )
    client.command(
        f"/api/campaigns/{id_}/recipients",
        {"users": simulated.users(), "anchor": anchor},
        key=f"{simulated.CODE}-recipients",
    )
    treated = _treated(client, id_, anchor)
    outcomes = sorted(simulated.outcomes(anchor, treated), key=_when)
    _report(client, id_, simulated.CODE, outcomes)
    client.publish(simulated.purchases(anchor, treated), lambda _: None)


def _treated(client: ShopClient, id_: str, anchor: datetime) -> frozenset[str]:
    """Return who may be sent to: the draw refuses what is reported of the control group."""
    asked = [
        {"user": user, "happened": "sent", "occurred_at": anchor, "channel": "email"}
        for user in simulated.users()
    ]
    answer = client.command(
        f"/api/campaigns/{id_}/messages", {"outcomes": asked}, key=f"{simulated.CODE}-sent"
    )
    control = {refused["index"] for refused in answer["refused"]}
    return frozenset(user for n, user in enumerate(simulated.users()) if n not in control)


def _when(outcome: dict[str, Any]) -> datetime:
    moment: datetime = outcome["occurred_at"]
    return moment


def _parts(things: Iterable[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(things)
    for first in iterator:
        yield list(islice(chain([first], iterator), most))
