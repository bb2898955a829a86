"""What shops say happened: their messages, judged and translated into facts. Pure."""

from commands.shop.contract import Door, Sent
from commands.shop.nobodys import nobodys, nobodys_orders
from commands.shop.refusals import NotTaken, refusal_of
from commands.shop.translate import translate, translate_named

__all__ = [
    "Door",
    "NotTaken",
    "Sent",
    "nobodys",
    "nobodys_orders",
    "refusal_of",
    "translate",
    "translate_named",
]
