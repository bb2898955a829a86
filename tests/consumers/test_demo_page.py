"""The page at the end of the demo, as a terminal of eighty columns shows it."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
from rich.cells import cell_len
from rich.console import Console

from consumers.demo import simulated, summary
from domain.campaign.draw import draw
from domain.campaign.events import Arm
from domain.shared.ids import Ids

SIMULATED = "Simulated: win-back coupon, true effect +6 points"


def campaign(code: str, name: str, uplift: float | None = None) -> summary.CampaignTold:
    interval = {"low": -0.031, "high": 0.096}
    return summary.CampaignTold(
        id="0",
        code=code,
        name=name,
        recipients=1_600,
        treated=1_579,
        converted=[100, 200, 300, 400, 500, 600, 1_402],
        net=Decimal("20724.97"),
        uplift=None if uplift is None else {"difference": uplift, "interval": interval},
    )


TOLD = summary.Told(
    facts=511_342,
    customers=2_469,
    stages={"new": 5, "active": 2_270, "idle prospect": 194},
    campaigns=[campaign(f"journey-{n}", f"Campaign {n} (Type C)") for n in range(20, 26)],
    simulated=campaign("win-back", SIMULATED, uplift=0.066),
    seconds=120.0,
)


def page(at: datetime | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    summary.show(console, msgspec.structs.replace(TOLD, at=at))
    keys = f"hk_{'s' * 43}", f"hk_{'d' * 43}"
    summary.invite(console, "http://127.0.0.1:8000", *keys, at)
    summary.tell_more(console, Path(".huike/huike.log"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_it_fits_into_eighty_columns() -> None:
    wide = [line for line in page() if cell_len(line) > 80]
    assert all(line.startswith("  curl ") for line in wide), wide


def test_it_says_where_its_log_is_and_what_to_read_next() -> None:
    told = page()
    assert "Its log: .huike/huike.log" in told
    assert any("docs/README.md" in line for line in told[-2:])


def test_a_campaign_takes_one_line() -> None:
    (line,) = (line for line in page() if "Campaign 20 (Type C)" in line)
    assert "1,402 (89%)" in line
    assert "20,724.97" in line


def test_campaigns_that_people_made_meanwhile_come_after_the_sample_s() -> None:
    codes = ["spring-9d61", "campaign-10", "campaign-x", "campaign-9", "summer"]
    told = summary.listed(campaign(code, "A campaign") for code in codes)
    assert [c.code for c in told] == [
        "campaign-9",
        "campaign-10",
        "campaign-x",
        "spring-9d61",
        "summer",
    ]


def test_what_there_is_to_try_leaves_the_simulated_customers_out() -> None:
    asked = [line for line in page() if "/api/lifecycle" in line]
    assert len(asked) == 2
    assert all("shop=shop" in line for line in asked)


def test_with_the_sample_s_own_dates_the_page_is_about_the_end_of_its_year() -> None:
    told = page(datetime(2018, 1, 1, tzinfo=UTC))
    assert any("Customers by stage, at the end of 2017-12-31" in line for line in told)
    asked = [line for line in told if "/api/lifecycle" in line]
    assert all("&at=2018-01-01T00:00:00Z'" in line for line in asked)
    assert any("Customers by stage, now" in line for line in page())


def test_the_simulation_plays_the_same_parts_whatever_the_installations_draw() -> None:
    anchor = datetime(2024, 1, 1, tzinfo=UTC)

    def played(secret: bytes) -> tuple[list[bool], list[str], list[str]]:
        ids = Ids(secret)

        def is_held_out(user: str) -> bool:
            arm = draw(simulated.SEED, ids.user("simulated", user), simulated.CONTROL_SHARE)
            return arm is Arm.CONTROL

        players = simulated.cast(is_held_out)
        assert all(is_held_out(user) is not treated for user, treated in players)
        bought = [m["timestamp"] for m in simulated.purchases(anchor, players)]
        happened = [o["happened"] for o in simulated.outcomes(anchor, players)]
        return [treated for _, treated in players], bought, happened

    assert played(b"one installation") == played(b"another")
    assert sum(played(b"a third")[0]) == 1_600
