"""The page at the end of the demo: stages, the best campaigns with their curve, what to try."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.table import Column, Table

from consumers.demo import journey, sample, simulated
from consumers.demo.load import ShopClient
from infra.event_store import LogReader
from infra.settings import Settings

_BEST: Final = 5
_FEW: Final = 50
"""Recipients below which a campaign is not called one of the best."""

_BARS: Final = "▁▂▃▄▅▆▇█"
_CHINESE: Final = {
    "visitor": "访客",
    "prospect": "潜客",
    "idle prospect": "沉默潜客",
    "new": "新客",
    "won back": "回流",
    "active": "活跃",
    "silent": "沉默",
    "lost": "流失",
}


class CampaignTold(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign in the summary; `converted` within 1 … 7 days, of those who were sent it."""

    id: str
    code: str
    name: str
    recipients: int
    treated: int
    converted: list[int]
    net: Decimal
    uplift: dict[str, Any] | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo came to. `simulated` is made up; everything else is the sample's.

    `at`: the end of the sample's year, when that is past; None: now.
    """

    at: datetime | None = None
    facts: int
    customers: int
    stages: dict[str, int]
    campaigns: list[CampaignTold]
    simulated: CampaignTold | None
    seconds: float

    def as_json(self) -> str:
        return msgspec.json.format(_encode(self), indent=2).decode()


_encode: Final = msgspec.json.Encoder(decimal_format="string").encode


def ask(client: ShopClient, settings: Settings, seconds: float, at: datetime | None) -> Told:
    """Ask the service for the summary at an instant (None: now), as an analyst would."""
    assert settings.log_url is not None
    reader = LogReader(settings.log_url, None, pool_size=1)
    facts = reader.head().position
    reader.close()
    about = {"position": facts, **({} if at is None else {"at": at.isoformat()})}
    counts = client.get("/api/lifecycle", shop=settings.shop, **about)
    campaigns = [_campaign(found) for found in client.get("/api/campaigns", **about)["campaigns"]]
    return Told(
        at=at,
        facts=facts,
        customers=counts["customers"],
        stages=counts["stages"],
        campaigns=listed(c for c in campaigns if c.code != simulated.CODE),
        simulated=next((c for c in campaigns if c.code == simulated.CODE), None),
        seconds=round(seconds, 1),
    )


def listed(campaigns: Iterable[CampaignTold]) -> list[CampaignTold]:
    """Return the sample's campaigns by their numbers, then those that people made."""
    return sorted(campaigns, key=_place)


def _place(campaign: CampaignTold) -> tuple[bool, int, str]:
    number = campaign.code.rpartition("-")[2]
    of_the_sample = number.isdecimal() and campaign.code == journey.code_of(int(number))
    return not of_the_sample, int(number) if of_the_sample else 0, campaign.code


def _campaign(found: dict[str, Any]) -> CampaignTold:
    asked = found["campaign"]
    return CampaignTold(
        id=asked["campaign"],
        code=asked["code"],
        name=asked["name"],
        recipients=found["recipients"],
        treated=found["treated"],
        converted=found["converted"],
        net=Decimal(found["net"]),
        uplift=found["uplift"],
    )


def show(console: Console, told: Told) -> None:
    """Print the summary for people."""
    console.print()
    console.print(
        f"[bold]Huike 回客[/bold]  {told.customers:,} customers, {told.facts:,} facts, "
        f"{told.seconds:.0f} s.\n"
        "Sample: completejourney (for teaching, simulated on real patterns)."
    )
    stages = _table(
        f"Customers by stage, {_when(told.at)}",
        "stage",
        "阶段",
        Column("customers", justify="right"),
        "",
    )
    for stage, count in told.stages.items():
        bar = "█" * round(38 * count / max(told.customers, 1))
        stages.add_row(stage, _CHINESE.get(stage, ""), f"{count:,}", f"[cyan]{bar}[/cyan]")
    console.print(stages)
    console.print()
    table = _table(f"The {_BEST} campaigns with the highest share converted in seven days")
    for column in ("campaign", "sent to", "day 1-7", "converted", "net USD", "uplift"):
        table.add_column(column, justify="left" if column in {"campaign", "uplift"} else "right")
    best = sorted(
        (c for c in told.campaigns if c.treated >= _FEW),
        key=lambda c: c.converted[-1] / c.treated,
        reverse=True,
    )[:_BEST]
    for campaign in best:
        _row(table, campaign)
    if told.simulated is not None:
        table.add_row()
        _row(table, told.simulated)
    console.print(table)
    console.print()
    effect = 100 * (simulated.TREATED_RATE - simulated.CONTROL_RATE)
    console.print(
        "The sample's campaigns have no control group, so no uplift is shown for them.\n"
        f"The last line is [bold]simulated[/bold]: its true effect is {effect:+.0f} points, on "
        f"made-up customers of the shop `{sample.SIMULATED}`; nothing else counts them."
    )


def _table(title: str, *columns: Column | str) -> Table:
    """Return an empty table that fits into eighty columns."""
    return Table(
        *columns, title=title, title_justify="left", title_style="bold", box=None, pad_edge=False
    )


def _row(table: Table, campaign: CampaignTold) -> None:
    most = max(campaign.treated, 1)
    curve = "".join(_BARS[min(7, 8 * count // most)] for count in campaign.converted)
    uplift = "-"
    if campaign.uplift is not None:
        low, high = campaign.uplift["interval"]["low"], campaign.uplift["interval"]["high"]
        uplift = f"{campaign.uplift['difference']:+.1%}\n({low:+.1%} to {high:+.1%})"
    table.add_row(
        campaign.name,
        f"{campaign.treated:,}",
        curve,
        f"{campaign.converted[-1]:,} ({campaign.converted[-1] / most:.0%})",
        f"{campaign.net:,.2f}",
        uplift,
    )


def _when(at: datetime | None) -> str:
    """Say what the page is about; the first instant of a day ends the one before."""
    return "now" if at is None else f"at the end of {at - timedelta(microseconds=1):%Y-%m-%d}"


def invite(
    console: Console, url: str, shop_key: str, desk_key: str, at: datetime | None = None
) -> None:
    """Print the address, the keys and five things to try, about what the page is about."""
    console.print(
        Panel(
            f"address     {url}\nshop's key  {shop_key}  publishes\n"
            f"desk's key  {desk_key}  asks, commands",
            title="Serving until Ctrl-C",
            expand=False,
        )
    )
    console.print()
    console.print("[bold]Five things to try[/bold]")
    viewed = '{"userId":"900","event":"Product Viewed","properties":{"product_id":"1095275"}}'
    policy = "silent_after_days=45&lost_after_days=120"
    about = "shop=shop" if at is None else f"shop=shop&at={at:%Y-%m-%dT%H:%M:%SZ}"
    desk = f"-H 'Authorization: Bearer {desk_key}'"
    for what, line in (
        (
            "publish an event, as a shop's SDK does",
            f"curl -u {shop_key}: -H 'Content-Type: application/json' {url}/v1/track -d '{viewed}'",
        ),
        ("who is household 900?", f"curl {desk} {url}/api/customers/by/user/900"),
        (
            "how do customers stand, by stage and tier?",
            f"curl {desk} '{url}/api/lifecycle?{about}'",
        ),
        (
            "what if customers were called silent after 45 days?",
            f"curl {desk} '{url}/api/lifecycle/what-if?{policy}&{about}'",
        ),
        (
            "which facts are there, who recorded them?",
            f"curl {desk} '{url}/api/audit/facts?limit=5'",
        ),
    ):
        console.print(f"  [dim]# {what}[/dim]")
        console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"API, with any of the keys: {url}/openapi.json", highlight=False)


def tell_more(console: Console, log: Path) -> None:
    """Print where the log is, and what to read next."""
    console.print(
        f"Its log: {log}\nRead on: docs/README.md; `huike` is .venv/bin/huike there",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
