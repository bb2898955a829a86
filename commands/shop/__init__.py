"""What shops say happened: their messages, judged and translated into facts. Pure."""

from commands.shop.contract import Door, Sent
from commands.shop.refusals import NotTaken
from commands.shop.translate import translate

__all__ = ["Door", "NotTaken", "Sent", "translate"]
