"""What a dossier's page says around the facts, in the languages of people who read it."""

from collections.abc import Mapping
from typing import Final

import msgspec

from projections.words import label


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """The page's own words; `labels` and `sentences`: what the shared ones have none for."""

    title: str
    about: str
    erased: str
    some_erased: str
    nothing: str
    taken_back: str
    time: str
    contents: str
    from_whom: str
    sections: Mapping[str, str]
    labels: Mapping[str, str]
    sentences: Mapping[str, str]


_ENGLISH: Final = Wording(
    title="All that is known of you",
    about="This is everything that the shop's customer records hold of one person, as of {made_at} "
    "(UTC), and where each thing came from: the number of the entry, the door it came in by, and "
    "who said it.",
    erased="erased",
    some_erased="Some of what was recorded has been erased. It is marked “erased”, and nobody can "
    "read it any more.",
    nothing="Nothing.",
    taken_back="(taken back)",
    time="by the passing of time",
    contents="Contents",
    from_whom="entry {position} · {source} · {by}",
    sections={
        "profile": "In short",
        "identities": "Who you are known as",
        "traits": "What is known about you, and who said so",
        "standing": "How you are classed",
        "customer": "What happened to your record",
        "consents": "What you allowed, and took back",
        "orders": "Orders and coupons",
        "tickets": "What you wrote to the shop, and its answers",
        "notes": "Notes about you",
        "campaigns": "Campaigns and messages to you",
        "activity": "What you did on the site or in the app",
        "unreadable": "Entries that this version cannot read",
        "originals": "Messages as the shop sent them",
    },
    labels={
        "thing": "name",
        "id": "the shop's id",
        "orders": "orders",
        "url": "address (URL)",
        "delay_ms": "delay (ms)",
        "arm": "group",
        "anchor": "counted from",
        "both_arms": "in both groups",
        "converted_day": "bought on day",
        "window_days": "days watched",
        "window_ends": "watched until",
        "sends": "sent at",
        "seed": "drawn by number",
    },
    sentences={
        "customer.visitor-recognised": "Recognised as a customer of the shop",
        "activity.identified": "The shop's site or app said who it was",
        "activity.aliased": "The shop said that two of its ids are one person's",
        "activity.reported": "A system of the shop reported it",
    },
)

_CHINESE: Final = Wording(
    title="我们所知道的关于您的一切",
    about="以下是商店客户记录中关于一个人的全部内容，截至 {made_at}（协调世界时），"
    "以及每一项的来源：记录编号、进入的渠道和陈述者。",
    erased="已删除",
    some_erased="部分记录已被删除，标为“已删除”，任何人都无法再读取。",
    nothing="无。",
    taken_back="（已撤回）",
    time="随时间推移",
    contents="目录",
    from_whom="记录 {position} · {source} · {by}",
    sections={
        "profile": "概况",
        "identities": "您的标识",
        "traits": "关于您的资料及其来源",
        "standing": "您的分类",
        "customer": "您的记录发生过什么",
        "consents": "您同意过和撤回过的",
        "orders": "订单与优惠券",
        "tickets": "您与商店的往来",
        "notes": "关于您的备注",
        "campaigns": "发给您的营销活动与消息",
        "activity": "您在网站或应用中的行为",
        "unreadable": "本版本无法读取的记录",
        "originals": "商店发来的原始消息",
    },
    labels={
        "customer": "客户编号",
        "identity": "标识",
        "order_id": "订单标识",
        "ticket_id": "工单标识",
        "order": "订单",
        "what": "事件",
        "thing": "名称",
        "id": "商店编号",
        "facts": "记录数",
        "first_name": "名",
        "last_name": "姓",
        "address": "地址",
        "street": "街道",
        "city": "城市",
        "state": "省份",
        "postal_code": "邮编",
        "country": "国家",
        "birthday": "生日",
        "gender": "性别",
        "company": "公司",
        "username": "用户名",
        "currency": "货币",
        "amount": "金额",
        "total": "总额",
        "shipping": "运费",
        "tax": "税",
        "discount": "折扣",
        "coupon": "优惠券",
        "code": "券码",
        "channel": "渠道",
        "purpose": "用途",
        "source": "来源",
        "wording": "文案版本",
        "number": "单号",
        "status": "状态",
        "lines": "明细",
        "product": "商品",
        "category": "品类",
        "quantity": "数量",
        "unit_price": "单价",
        "payment": "付款编号",
        "method": "方式",
        "refund": "退款编号",
        "reason": "原因",
        "text": "内容",
        "note": "备注编号",
        "author": "作者",
        "agent": "客服",
        "about": "事由",
        "outcome": "结果",
        "comment": "评语",
        "score": "评分",
        "tag": "标签",
        "person": "个人资料",
        "private": "其他资料",
        "properties": "属性",
        "context": "环境",
        "campaign": "营销活动",
        "arm": "分组",
        "anchor": "起点",
        "link": "链接",
        "evidence": "证据",
        "placed_at": "下单时间",
        "purchased_at": "购买时间",
        "shipped_at": "发货时间",
        "delivered_at": "送达时间",
        "cancelled_at": "取消时间",
        "opened_at": "打开时间",
        "last_message_at": "最后留言",
        "last_campaign": "最近营销活动",
        "last_campaign_at": "最近营销活动时间",
        "assigned_at": "入选时间",
        "window_days": "窗口天数",
        "window_ends": "窗口结束",
        "both_arms": "两组皆在",
        "converted_day": "第几天购买",
        "sends": "发送时间",
        "seed": "抽签编号",
        "fields": "字段",
        "title": "称谓",
        "age": "年龄",
        "website": "网站",
        "price": "价格",
        "value": "金额",
        "product_id": "商品编号",
        "query": "搜索词",
        "search": "搜索词",
        "url": "网址",
        "path": "路径",
        "referrer": "来源网页",
        "delay_ms": "延迟（毫秒）",
        "carrier": "承运商",
        "tracking": "运单号",
        "flags": "异常",
        "units": "数量",
        "sku": "货号",
        "brand": "品牌",
        "variant": "款式",
        "subtotal": "小计",
        "revenue": "营收",
        "avatar": "头像",
        "description": "描述",
        "by": "申请人",
        "due_at": "最早执行时间",
        "erasure": "遗忘编号",
        "identities": "标识",
        "visitor": "访客标识",
        "digest": "摘要",
        "goal": "目标",
        "control_share": "对照组比例",
        "simulated": "模拟",
        "group": "群组",
        "permanent": "永久",
        "to": "升级至",
        "other_currencies": "其他货币",
        "address_class": "地址类别",
        "honeypot": "诱饵链接",
    },
    sentences={
        "customer.visitor-recognised": "被识别为商店的客户",
        "activity.identified": "商店的网站或应用说明了身份",
        "activity.aliased": "商店说明两个标识属于同一人",
        "activity.reported": "商店的系统报告了此事",
    },
)

WORDINGS: Final[Mapping[str, Wording]] = {"en": _ENGLISH, "zh": _CHINESE}


def named(name: str, language: str) -> str:
    """Return what people call a value."""
    return WORDINGS[language].labels.get(name) or label(name, language)
