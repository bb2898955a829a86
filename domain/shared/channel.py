"""Channels: the ways by which a shop and a customer reach each other."""

from enum import StrEnum


class Channel(StrEnum):
    """How a message, a ticket or an order travels."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    PHONE = "phone"
    CHAT = "chat"
    SOCIAL = "social"
    WEB = "web"
    APP = "app"
    STORE = "store"
    POST = "post"
    OTHER = "other"
