"""Who can reach the server: `--host` and `--allow-remote`, and by which names its certificate is good.

Knows loopback addresses, and what must not be within everybody's reach; must not know how a server listens.
"""

from __future__ import annotations

import ipaddress
import platform
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pop3s_fake.cli import demo
from pop3s_fake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pop3s_fake.maildrop import Login

__all__ = ("Reach", "reach")

LOCAL: Final = ("localhost", "127.0.0.1", "::1")
"""All of these mean both loopback addresses."""

ALL: Final = ("0.0.0.0", "::")  # noqa: S104  # only where it is allowed
"""Every address of the machine, of one family."""

VOUCHED: Final = (".localhost", ".test")
"""How names end for which a kept CA is good."""

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)


class Reach(NamedTuple):
    """Where a server listens, the name by which clients find it, and the names of its certificate."""

    listens_at: str
    host: str
    names: tuple[str, ...]
    remote: bool


def reach(host: str, *, allow_remote: bool, logins: Sequence[Login], any_login: bool, kept: bool) -> Reach:
    """What ``--host`` comes to; ``kept`` says that the CA is one that is kept between runs.

    Raises a UsageError for what others could reach and must not.

    >>> reach("127.0.0.1", allow_remote=False, logins=[], any_login=False, kept=False)
    Reach(listens_at='localhost', host='127.0.0.1', names=('localhost',), remote=False)
    """
    remote = not _is_loopback(host)
    if remote and not allow_remote:
        raise UsageError(
            f"--host {host!r} can be reached from other machines, and this server is for tests: "
            "choose localhost, 127.0.0.1 or ::1, or say --allow-remote"
        )
    if allow_remote:
        if any_login:
            raise UsageError(
                "--any-login lets in everybody who can reach the server, so it cannot be had with --allow-remote; "
                "name accounts, such as --account ann:secret"
            )
        if demo.ACCOUNT in logins:
            raise UsageError(
                "--allow-remote lets others in, and everybody knows the demo account; "
                "name one of your own, such as --account ann:secret"
            )
    if host in LOCAL:
        return Reach("localhost", host, ("localhost",), remote)
    if host in ALL:
        here = platform.node()
        names = ("localhost", here) if _NAME.fullmatch(here) and not kept else ("localhost",)
        return Reach(host, "localhost", tuple(dict.fromkeys(names)), remote)
    if remote and kept and not host.lower().endswith(VOUCHED):
        raise UsageError(
            f"the CA of --ca-dir is good for this machine's own names only, and {host!r} is none of them; "
            f"leave --ca-dir out, or choose --host {ALL[0]} and let clients connect to localhost"
        )
    return Reach(host, host, ("localhost", host), remote)


def _is_loopback(host: str) -> bool:
    """Whether nobody but this machine gets there."""
    try:
        return host in LOCAL or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
