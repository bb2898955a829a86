"""A walk through every door, as those who use it would: `python -m docs.walkthrough`.

It needs a running Huike, with the settings of this shell (`huike up`, or `serve` and `work views`).
It makes keys and customers of its own, so it can be run again. What does not answer as it should
ends it with an error.
"""

import time
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

import psycopg

from consumers.place import log_url
from docs.somebody import Somebody, huike
from infra.postgres import READER, connect
from infra.settings import Settings


class Walk:
    """One walk, by names that nobody used before."""

    def __init__(self) -> None:
        self.mark = uuid4().hex[:8]
        self.ada, self.bob, self.eve = (f"{n}-{self.mark}" for n in ("ada", "bob", "eve"))
        self.site = Somebody("site", "ingest")
        self.marketer = Somebody("marketer", "query", "command")
        self.agent = Somebody("agent", "query", "command", "personal")
        self.analyst = Somebody("analyst", "query")
        self.auditor = Somebody("auditor", "query", "audit")
        self.operator = Somebody("operator", "query", "audit", "admin", "personal")

    def publish(self) -> None:
        """Be a shop's site: say what happens, and get an answer for each event."""
        visitor = {"anonymousId": f"visitor-{self.mark}", "timestamp": "2025-03-01T10:00:00Z"}
        ada = {"userId": self.ada, "timestamp": "2025-03-01T10:05:00Z"}
        email = f"{self.ada}@example.com"
        bought = {"order_id": self.number(1), "total": "42.50", "currency": "USD"}
        order: dict[str, Any] = {**ada, "event": "Order Completed", "properties": bought}
        messages: dict[str, dict[str, Any]] = {
            "page": {**visitor, "name": "Home"},
            "screen": {**visitor, "name": "Start"},
            "identify": {
                **ada,
                "anonymousId": visitor["anonymousId"],
                "traits": {"name": "Ada Lovelace", "email": email, "phone": "+442079460018"},
            },
            "alias": {**ada, "previousId": f"phone-{self.mark}"},
            "group": {**ada, "groupId": "reading circle", "traits": {"plan": "tea"}},
            "track": order,
        }
        for kind, message in messages.items():
            message["messageId"] = f"{kind}-{self.mark}"
            answer = self.site.does("POST", f"/v1/{kind}", **message)
            assert answer["success"], answer
        again = self.site.does("POST", "/v1/track", **order)
        assert again["results"][0]["duplicate"]
        order.pop("messageId")
        wrong = {**order, "type": "track", "properties": {**bought, "currency": "TEA"}}
        late = {**order, "type": "track", "userId": self.bob, "timestamp": "2025-03-12T12:00:00Z"}
        late["properties"] = {**bought, "order_id": self.number(2)}
        told = self.site.does("POST", "/v1/batch", batch=[wrong, late])
        assert [r["status"] for r in told["results"]] == ["rejected", "accepted"]
        self.site.says("seven events taken, one known already, one refused with its reason")

    def number(self, n: int) -> str:
        return f"{self.mark}-{n}"

    def market(self) -> None:
        """Be a marketer: find customers, send a campaign, read what it brought."""
        me, ada = self.marketer, f"/api/customers/user:{self.ada}"
        masked = me.asks(ada)
        assert masked["masked"]
        assert "Lovelace" not in str(masked)
        me.does("PUT", f"{ada}/tags/{self.mark}")
        me.does("PUT", f"{ada}/consents/email/newsletter", source="checkout", wording="v3")
        me.does("PUT", f"{ada}/consents/sms/newsletter/withdrawal", source="call", wording="v3")
        now = {c["channel"]: c["granted"] for c in me.asks(f"{ada}/consents", waiting=False)["now"]}
        assert now == {"email": True, "sms": False}
        found = me.asks("/api/customers", tag=self.mark, consent="email:newsletter", sort="-net")
        assert [c["customer"] for c in found["customers"]] == [masked["customer"]]
        code = f"spring-{self.mark}"
        campaign = f"/api/campaigns/code:{code}"
        me.does("POST", "/api/campaigns", code=code, name="Spring teas", channel="email")
        me.does("POST", f"{campaign}/launch", control_share="0", seed=1)
        anchor = "2025-03-10T09:00:00Z"
        users = [self.ada, self.bob]
        assigned = me.does("POST", f"{campaign}/recipients", users=users, anchor=anchor)
        assert assigned["assigned"] == len(users)
        sent = {"happened": "sent", "channel": "email", "occurred_at": anchor}
        clicked = {"happened": "clicked", "link": "/spring", "evidence": {"delay_ms": 60_000}}
        outcomes = [{"user": self.bob, **sent}, {"user": self.bob, **clicked}]
        assert me.does("POST", f"{campaign}/messages", outcomes=outcomes)["recorded"] == 2  # noqa: PLR2004
        me.does("POST", f"{campaign}/end")
        curve = me.asks(f"{campaign}/conversion")["arms"][0]["curve"]
        assert [day["converted"] for day in curve] == [0, 0, 1, 1, 1, 1, 1]
        assert me.asks("/api/campaigns")["campaigns"]
        assert me.asks(f"/api/customers/user:{self.bob}/campaigns")["campaigns"]
        me.does("PUT", "/api/lifecycle/policy", new_days=30, silent_after_days=90)
        me.says(
            f"a campaign to {len(users)}, of whom {curve[-1]['converted']} bought in seven days"
        )

    def serve(self) -> None:
        """Be an agent: settle a complaint, with the customer's whole story beside it."""
        me = self.agent
        address = f"{self.ada.upper()}@EXAMPLE.com"
        (ada,) = me.looks_up(email=address)
        assert ada["name"] == "Ada Lovelace"
        assert ada in me.looks_up(phone="+44 20 7946 0018")
        assert me.looks_up(user=self.ada) == [ada]
        for way in (f"email/{address}", "phone/+44 20 7946 0018"):  # deprecated: paths are logged
            assert ada in me.asks(f"/api/customers/by/{way}")["customers"]
        assert me.asks(f"/api/customers/by/user/{self.ada}")["customer"] == ada["customer"]
        visitor = me.asks(f"/api/customers/by/anonymous/visitor-{self.mark}")
        assert visitor["customer"] == ada["customer"]
        reason = {"reason": "She asks to be called back."}
        seen = me.knock("POST", f"/api/customers/{ada['customer']}/reveal", json=reason)
        assert seen.json()["phone"] == "+442079460018"
        story = me.asks(f"/api/customers/{ada['customer']}/timeline", lang="zh")["timeline"]
        order = next(told["stream"] for told in story if told["kind"] == "order.placed")
        opened = me.does(
            "POST",
            "/api/tickets",
            {"Idempotency-Key": self.mark},
            kind="complaint",
            channel="phone",
            about="The parcel came open.",
            customer=ada["customer"],
            order=order,
            number=self.number(9),
        )
        ticket = f"/api/tickets/{opened['id']}"
        me.does("PUT", f"{ticket}/agent", agent="grace")
        me.does("POST", f"{ticket}/messages", author="agent", text="We send a new one.")
        me.does("POST", f"{ticket}/escalation", to="head of service", reason="Second time.")
        me.does("POST", f"/api/orders/{order}/refunds", amount="12.50", reason="broken")
        beyond = me.is_refused(
            409, "POST", f"/api/orders/{order}/refunds", json={"amount": "99", "refund": "b"}
        )
        me.does("POST", f"{ticket}/resolution", outcome="A part was repaid.")
        me.does("POST", f"{ticket}/reopening", reason="Not all.")
        me.does("POST", f"{ticket}/resolution", outcome="A new parcel was sent.")
        me.does("PUT", f"{ticket}/rating", score=5)
        me.does("POST", f"{ticket}/closing")
        customer = f"/api/customers/{ada['customer']}"
        me.does("POST", f"{customer}/notes", text="Prefers the afternoon.")
        me.does("PUT", f"{customer}/kind", kind="person")
        me.does("PUT", f"{customer}/traits", person={"title": "Countess"}, traits={"age": 36})
        me.does("DELETE", f"{customer}/tags/{self.mark}")
        me.says(f"a complaint settled; a refund too large was refused: {beyond['detail']}")

    def sell(self) -> None:
        """Be who takes orders by phone: lead one all its way, by commands."""
        me = self.agent
        eve = me.does("POST", "/api/customers", user=self.eve, person={"name": "Eve"})["id"]
        line = {"product": "t1", "unit_price": "10", "quantity": "2"}
        order = {"lines": [line], "total": "20"}
        made = me.does("POST", "/api/orders", number=self.number(3), customer=eve, **order)
        place = f"/api/orders/{made['id']}"
        version = {"If-Match": f'"{made["version"]}"'}
        me.does("PUT", place, version, lines=[{**line, "quantity": "3"}], total="30")
        stale = {"json": {"amount": "30"}, "headers": version}
        me.is_refused(412, "POST", f"{place}/payments", **stale)
        me.does("POST", f"/api/coupons/{self.mark}/redemptions", customer=eve, order=made["id"])
        me.does("POST", f"{place}/payments", amount="30")
        me.does("POST", f"{place}/shipment", carrier="post", tracking="X1")
        me.does("POST", f"{place}/delivery")
        other = me.does("POST", "/api/orders", number=self.number(4), customer=eve, **order)
        me.does("POST", f"/api/orders/{other['id']}/cancellation", reason="changed their mind")
        me.says("an order placed, revised, paid, sent and delivered, and another called off")

    def analyse(self) -> None:
        """Be an analyst: count, export, and read the tables with SQL."""
        me, then = self.analyst, "2025-04-01T00:00:00Z"
        stages = me.asks("/api/lifecycle", at=then)["stages"]
        what_if = me.asks("/api/lifecycle/what-if", at=then, new_days=5)["stages"]
        assert stages["new"] > what_if["new"]
        assert me.asks("/api/lifecycle/moves", dimension="stage")["moves"]
        assert me.asks("/api/lifecycle", at=then, known_at=Somebody.latest)["stages"] == stages
        assert me.asks(f"/api/customers/user:{self.ada}/lifecycle", at=then)["stage"]["place"]
        assert me.knock("GET", "/api/customers/export", params={"format": "ndjson"}).text
        with connect(log_url(Settings()), READER) as connection:
            rows = connection.execute("select stage, count(*) from huike.lifecycle group by stage")
            assert rows.fetchall()
            try:
                connection.execute("table log.fact")
            except psycopg.errors.InsufficientPrivilege:
                me.says("counts by stage, what if, moves, an export and SQL; the log stays shut")
            else:
                raise AssertionError("the role for BI tools reads the log")

    def audit(self) -> None:
        """Be an auditor: ask what happened, who said so, and what was known on another day."""
        me, ada = self.auditor, f"/api/customers/user:{self.ada}"
        facts = me.asks("/api/audit/facts", waiting=False, type="order.refunded", limit=1000)[
            "facts"
        ]
        fact = facts[-1]
        assert fact["by"]["kind"] == "key"
        same = me.asks("/api/audit/facts", waiting=False, correlation=fact["correlation"])["facts"]
        assert fact in same
        exported = me.knock("GET", "/api/audit/facts/export", params={"since": "2025-01-01"}).text
        assert fact["correlation"] in exported
        campaign = f"/api/audit/campaigns/code:spring-{self.mark}"
        for what in (
            f"/api/audit/customers/user:{self.ada}",
            f"/api/audit/orders/number:{self.number(1)}",
            f"/api/audit/tickets/number:{self.number(9)}",
            campaign,
            f"{campaign}/recipients/{me.asks(f'/api/customers/user:{self.bob}')['customer']}",
        ):
            assert me.asks(what, waiting=False)["facts"]
        assert me.asks(f"{ada}/why/net")["facts"][-1]["type"] == "order.refunded"
        before = me.asks(ada, waiting=False, known_at=fact["position"] - 1)
        assert (before["net"], me.asks(ada)["net"]) == ("42.50", "30.00")
        early = me.asks(ada, waiting=False, at="2025-03-01T10:01:00Z")
        assert early["orders"] == 0
        job = me.knock("POST", "/api/audit/verify/conversion").json()["job"]
        assert me.job(job)["different"] == 0
        me.is_refused(403, "PUT", f"{ada}/tags/x")
        seen = me.asks("/api/audit/facts", waiting=False, type="activity.tracked", limit=1)["facts"]
        original = f"/api/audit/facts/{seen[0]['position']}/original"
        me.is_refused(403, "GET", original)
        assert self.operator.asks(original, waiting=False)["message"]
        (read, *_) = me.asks("/api/audit/access", waiting=False, since="2025-01-01")["reads"]
        assert read["by"]["name"] == self.operator.name
        assert read["operation"].endswith("/original")
        dossier = self.operator.asks(f"{ada}/dossier", waiting=False, lang="zh")
        assert {"user", "anonymous"} <= {one["kind"] for one in dossier["identities"]}
        assert dossier["reads"][0]["operation"] == "GET /api/customers/{id}/dossier"
        page = self.operator.knock("GET", f"{ada}/dossier", params={"format": "html"}).text
        assert f"{self.ada}@example.com" in page
        me.says(f"who refunded and when, net before ({before['net']}) and after; the view is right")

    def forget(self) -> None:
        """Be a privacy officer: forget somebody who asks for it, unless the law forbids it."""
        me = self.operator
        gone = self.agent.does("POST", "/api/customers", user=f"gone-{self.mark}")["id"]
        of_them = f"/api/customers/{gone}"
        for way in ("legal-hold", "legal-hold/lifting"):
            me.does("PUT", f"{of_them}/{way}", reason="A claim")
        me.does("POST", f"{of_them}/erasure")
        me.does("DELETE", f"{of_them}/erasure")
        token = huike("erasure", "link", gone).partition("token=")[2]
        page = me.knock("GET", "/forget-me", params={"token": token, "lang": "zh"})
        assert "遗忘" in page.text
        me.knock("POST", "/forget-me", params={"token": token})
        asked = me.asks("/api/erasures", waiting=False)["erasures"][0]
        assert (asked["customer"], asked["asked_by"]) == (gone, "customer")
        erasure = f"/api/erasures/{asked['erasure']}"
        if Settings().erasure_days == 0:
            self.certify(erasure)
        me.says(f"{gone} is to be forgotten on {asked['due_at'][:10]}")

    def certify(self, erasure: str) -> None:
        """Wait for a certificate, and check it."""
        me = self.operator
        deadline = time.monotonic() + 60
        while not me.asks(erasure, waiting=False)["certified"]:
            assert time.monotonic() < deadline, erasure
            time.sleep(0.5)
        with NamedTemporaryFile(suffix=".json") as file:
            file.write(me.knock("GET", f"{erasure}/certificate").content)
            file.flush()
            assert huike("erasure", "verify", file.name) == "It holds."
        assert "证明" in me.knock("GET", f"{erasure}/certificate/page", params={"lang": "zh"}).text

    def operate(self) -> None:
        """Be an operator: look after what was refused, the views, and the keys."""
        me = self.operator
        refused = me.asks("/api/refused", waiting=False, reason="unknown-currency")["refused"][0]
        assert "TEA" in me.asks(f"/api/refused/{refused['id']}", waiting=False)["message"]
        again = me.knock("POST", f"/api/refused/{refused['id']}/resend").json()
        assert again["outcome"] == "unknown-currency"
        for door in ("/health", "/ready"):
            assert me.knock("GET", door).text
        watcher = Somebody(f"watcher-{self.mark}", "metrics")
        assert "huike_behind_seconds" in watcher.knock("GET", "/metrics").text
        watcher.is_refused(403, "GET", "/api/campaigns")
        huike("replay", self.ada)
        huike("rebuild", "profile", "--yes")
        huike("verify", "profile")
        huike("doctor")
        lost = Somebody(f"lost-{self.mark}", "query")
        assert lost.asks("/api/campaigns")
        huike("keys", "revoke", lost.name)
        time.sleep(1.1)
        lost.is_refused(401, "GET", "/api/campaigns")
        me.says("what was refused, a rebuild, a verification, and a key revoked within a second")


def main() -> None:
    """Walk."""
    walk = Walk()
    for part in (walk.publish, walk.market, walk.serve, walk.sell, walk.analyse, walk.audit):
        part()
    walk.forget()
    walk.operate()


if __name__ == "__main__":
    main()
