"""The states of a session (RFC 1939 section 3); knows their names and nothing else."""

from __future__ import annotations

import enum

__all__ = ("State",)


class State(enum.Enum):
    """Where a session stands.

    >>> State.AUTHORIZATION.value
    'AUTHORIZATION'
    """

    AUTHORIZATION = "AUTHORIZATION"
    TRANSACTION = "TRANSACTION"
    UPDATE = "UPDATE"
