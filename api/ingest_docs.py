"""What OpenAPI says of the shops' door, whose route FastAPI does not see."""

from typing import Any, Final

_EXAMPLE: Final = {
    "userId": "42",
    "anonymousId": "507f191e810c19729de860ea",
    "event": "Order Completed",
    "messageId": "order-1001-completed",
    "timestamp": "2026-11-20T10:15:00Z",
    "properties": {
        "order_id": "1001",
        "total": 27.5,
        "currency": "USD",
        "products": [{"product_id": "t1", "name": "Green tea", "price": 13.75, "quantity": 2}],
    },
}
_TAKEN: Final = {
    "success": True,
    "results": [{"messageId": "order-1001-completed", "status": "accepted", "position": 1204}],
}
_ABOUT: Final = {
    "identify": "Say who somebody is: `userId`, `traits`; and, by `anonymousId`, which visitor.",
    "track": "Say what somebody did. `Order Completed` and the like are the order's facts too.",
    "page": "Say which page somebody looked at.",
    "screen": "Say which screen of an app somebody looked at.",
    "group": "Say which company or household somebody belongs to: `groupId`, `traits`.",
    "alias": "Say that a visitor (`previousId`) is a user (`userId`).",
    "batch": "Say up to 2,500 of these at once, each with its `type`, in at most 500 KB.",
}

_COMMON: Final = (
    "Accepted means durably in the log; `results` says for each event what became of it. "
    "The key is shown as Basic's user name, as Bearer, or as `writeKey` in the body."
)
_MORE: Final = {
    "identify": """

Reserved traits (`email`, `firstName`, `address`, ...) are sealed with the person's key, and so is
every other trait that the shop does not allow in the clear (`HUIKE_CLEAR_TRAITS`). A trait that is
null is taken back. Two traits mean more:

* `kind` (or `type`), when it is `person` or `company`;
* `consents`, by channel and purpose:
  `{"email": {"marketing": {"granted": true, "wording": "v3", "source": "checkout"}}}`, or
  `{"email": {"marketing": false}}`.
""",
    "track": """

`Order Placed`, `Order Paid`, `Order Completed` (placed and paid at once), `Order Updated`, `Order
Shipped`, `Order Delivered`, `Order Cancelled`, `Order Refunded` and `Coupon Redeemed` are recorded
as said, in whatever order they come; each needs an `order_id` (`coupon_id`). Several payments or
refunds of one order need a `payment_id` or `refund_id` each. An amount that is missing is worked
out: `total`, else `revenue` + `shipping` + `tax`, else the products; a currency that is missing is
the key's. `context.reportedBy: "system"` says that a machine reports, not the customer acts.
""",
}


EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "identify": {
        "userId": "42",
        "anonymousId": _EXAMPLE["anonymousId"],
        "messageId": "login-77",
        "traits": {"name": "Ada Lovelace", "email": "ada@example.com", "kind": "person"},
    },
    "track": _EXAMPLE,
    "page": {
        "anonymousId": _EXAMPLE["anonymousId"],
        "messageId": "view-78",
        "name": "Green tea",
        "category": "tea",
    },
    "screen": {"userId": "42", "messageId": "view-79", "name": "Basket"},
    "group": {
        "userId": "42",
        "messageId": "joined-80",
        "groupId": "acme",
        "traits": {"industry": "books"},
    },
    "alias": {"userId": "42", "messageId": "alias-81", "previousId": _EXAMPLE["anonymousId"]},
    "batch": {"batch": [{"type": "track", **_EXAMPLE}], "sentAt": "2026-11-20T10:15:01Z"},
}
"""What is sent to each door."""


def _path(kind: str) -> dict[str, Any]:
    refusals = {
        "400": "It is not JSON, or larger than it may be.",
        "401": "No key, or none that lives.",
        "403": "The key lacks the scope `ingest`.",
        "408": "The body did not come within 30 seconds.",
        "415": "It is not sent as JSON, plain or gzip.",
        "429": "Too much at once: wait as long as Retry-After says.",
        "503": "Nothing can be written down just now: wait as long as Retry-After says.",
        "507": "The log has no room left: wait as long as Retry-After says.",
    }
    return {
        "post": {
            "tags": ["tracking"],
            "summary": _ABOUT[kind].partition(".")[0].partition(":")[0],
            "description": f"{_ABOUT[kind]} {_COMMON}{_MORE.get(kind, '')}",
            "operationId": f"{kind}_v1_post",
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"type": "object"}, "example": EXAMPLES[kind]}
                },
            },
            "responses": {
                "200": {
                    "description": "What became of each event, in order.",
                    "content": {
                        "application/json": {"schema": {"type": "object"}, "example": _TAKEN}
                    },
                },
                **{status: {"description": why} for status, why in refusals.items()},
            },
        }
    }


PATHS: Final = {f"/v1/{kind}": _path(kind) for kind in _ABOUT}
"""What OpenAPI says of these routes, which FastAPI does not see."""
