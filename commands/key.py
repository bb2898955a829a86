"""What can be asked about API keys: that the log tells who was given one, and what became of it."""

from uuid import UUID

from commands.work import Command, Work, handles
from domain.key.aggregate import ApiKey
from domain.key.events import KeyIssued, KeyRotated


class IssueKey(Command, frozen=True, kw_only=True):
    """Say that a key has these rights from now on, or that it was found with them."""

    key: UUID
    given: KeyIssued


class RotateKey(Command, frozen=True, kw_only=True):
    """Say that a key has a new secret."""

    key: UUID
    rotated: KeyRotated


class RevokeKey(Command, frozen=True, kw_only=True):
    """Say that a key opens nothing any more."""

    key: UUID


@handles(IssueKey)
def issue_key(command: IssueKey, crm: Work) -> None:
    key = crm.get(ApiKey, command.key)
    key.issue(command.given)
    crm.keep(key)


@handles(RotateKey)
def rotate_key(command: RotateKey, crm: Work) -> None:
    key = crm.get(ApiKey, command.key)
    key.rotate(command.rotated)
    crm.keep(key)


@handles(RevokeKey)
def revoke_key(command: RevokeKey, crm: Work) -> None:
    key = crm.get(ApiKey, command.key)
    key.revoke()
    crm.keep(key)
