"""Sealing: AES-256-GCM under a key per person, whose destruction is their being forgotten."""

from domain.shared.personal import KeyForgotten
from infra.sealing.persons import FORGOTTEN_WITHIN_SECONDS, PersonKeys
from infra.sealing.refused import RefusedEvent

__all__ = ["FORGOTTEN_WITHIN_SECONDS", "KeyForgotten", "PersonKeys", "RefusedEvent"]
