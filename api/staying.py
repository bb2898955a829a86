"""What stays in the clear, of who was forgotten too: the one list. What is not on it is sealed."""

from collections.abc import Mapping
from typing import Final

import msgspec

from api.parameters import Language


class Stays(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list, in English and Chinese.

    `facts`: fields of facts, after the first word of what they are stored as; `fact.` of all.
    `told`: names of what shops send, in snake_case: of properties, `traits.`, `group.`, `context.`.
    """

    english: str
    chinese: str
    facts: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()

    @property
    def words(self) -> Mapping[Language, str]:
        return {Language.ENGLISH: self.english, Language.CHINESE: self.chinese}


def _of(prefix: str, names: str) -> frozenset[str]:
    return frozenset(prefix + name for name in names.split())


STAYS: Final[tuple[Stays, ...]] = (
    Stays(
        english="what was done: names of events, of pages and screens, and their categories",
        chinese="做了什么：事件、页面、屏幕的名称及其类别",
        facts=_of("activity.", "name category") | {"fact.type"},
        told=_of("", "category step position filters sorts type channel share_via creative"),
    ),
    Stays(
        english="goods: codes, names, brands, categories, variants, quantities, prices, ratings",
        chinese="商品：编码、名称、品牌、类别、规格、数量、价格、评分",
        facts=_of("order.lines.", "product name category")
        | _of("campaign.goal.", "product category"),
        told=_of(
            "", "products product_id sku id name brand variant quantity price rating review_id"
        ),
    ),
    Stays(
        english="orders: numbers and codes of orders, carts, lists, payments, refunds and coupons, "
        "amounts, how they were paid and sent",
        chinese="订单：订单、购物车、清单、付款、退款、优惠券的编号，金额，付款与配送方式",
        facts=_of(
            "order.", "number currency coupon lines.coupon channel payment method carrier refund"
        )
        | _of("coupon.", "code currency")
        | {"lifecycle.currency"},
        told=_of(
            "",
            "order_id checkout_id cart_id list_id wishlist_id payment_id refund_id currency total "
            "subtotal revenue value shipping tax discount coupon coupon_id coupon_name affiliation "
            "promotion_id campaign_id shipping_method payment_method carrier",
        ),
    ),
    Stays(
        english="how a visit came about: campaign, kind of referrer, app, model of device, system, "
        "screen, language, time zone, the network of an address, the program that opened a message",
        chinese="访问方式：营销活动、来源类型、应用、设备型号、系统、屏幕、语言、时区、"
        "IP 地址所属网段、打开邮件的程序",
        facts=frozenset({"activity.context", "message.evidence.agent"}),
        told=_of("context.", "active locale timezone ip")
        | _of("context.app.", "name version build namespace")
        | _of("context.campaign.", "name source medium content id")
        | _of("context.device.", "type manufacturer model")
        | _of("context.library.", "name version")
        | _of("context.network.", "bluetooth carrier cellular wifi")
        | _of("context.os.", "name version")
        | _of("context.referrer.", "type name")
        | _of("context.screen.", "width height density"),
    ),
    Stays(
        english="tags, age, gender, since when; of a group its industry, size and plan; "
        "what the shop's own lists of traits and properties let through",
        chinese="标签、年龄、性别、注册时间；团体的行业、规模、方案；商店自定名单所允许的特征与属性",
        facts=_of("customer.", "traits tag") | _of("activity.", "traits properties"),
        told=_of("traits.", "age gender created_at")
        | _of("group.", "created_at industry employees plan"),
    ),
    Stays(
        english="consents: for what, and the wording that was read",
        chinese="许可：用途、客户所读的条文",
        facts=_of("customer.", "purpose wording"),
    ),
    Stays(
        english="of tickets and campaigns their numbers and codes, the names that campaigns have, "
        "and who of the shop dealt with it",
        chinese="工单与营销活动的编号、活动名称，以及商店的经手人",
        facts=_of("ticket.", "number agent to") | _of("campaign.", "code name description"),
    ),
    Stays(
        english="who recorded it and when: shop, source, key, the number of a request; "
        "ids that only a secret leads to; digests; the names of fields that were revealed",
        chinese="由谁何时记录：商店、来源、密钥、请求编号；只有凭密钥才能推得的编号；"
        "摘要；曾被查看的字段名称",
        facts=_of("fact.", "shop source actor_kind actor_id correlation")
        | _of("key.", "name roles scopes shop source currency")
        | _of("customer.", "kind digest fields"),
    ),
)
