r"""AUTH as POP3 frames it (RFC 5034 section 4): base64, the initial response, challenges and how an exchange ends.

Knows lines, base64 and replies; must not know what any mechanism says (``sasl``), nor who may come in.  It is loaded
when the first client says AUTH.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final

from pop3s_fake.maildrop import OrdinaryPassword
from pop3s_fake.protocol import replies
from pop3s_fake.protocol.lines import OVERLONG, Line
from pop3s_fake.protocol.replies import Err, Reply
from pop3s_fake.protocol.sasl import MECHANISMS, Refused, challenge_shown
from pop3s_fake.protocol.sasl.exchange import visible

if TYPE_CHECKING:
    from pop3s_fake.maildrop import Account
    from pop3s_fake.protocol.sasl import Context, Exchange, Mechanism

__all__ = ("Authentication", "challenge_told", "decoded", "response_told", "well_formed")

MASK: Final = "****"

_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")

_EMPTY: Final = b"="
"""An initial response that is there and has no octets."""

_CANCEL: Final = b"*"


def decoded(word: bytes) -> bytes | None:
    """The octets that this is the base64 of, or None: nothing foreign is skipped, and `=` stands at the end only.

    Bits that pad the last octets are not looked at (RFC 4648 section 3.5 leaves that to the decoder).

    >>> decoded(b"dGVzdA=="), decoded(b""), decoded(b"dGVzdA"), decoded(b"dGV zdA=="), decoded(b"AAAA=")
    (b'test', b'', None, None, None)
    """
    return binascii.a2b_base64(word) if _BASE64.fullmatch(word) else None


class Authentication:
    r"""One exchange, from the AUTH line to the account or the refusal.

    >>> from pop3s_fake.maildrop import Account, Accounts
    >>> from pop3s_fake.protocol.sasl import Context
    >>> context = Context(Accounts([Account("ann", "not-a-secret")]), now=lambda: 0.0, nonce=lambda: "n")
    >>> exchange = Authentication(MECHANISMS["PLAIN"], context)
    >>> exchange.begin(None).octets(), exchange.over
    (b'+ \r\n', False)
    >>> exchange.respond(b"AGFubgBub3QtYS1zZWNyZXQ="), exchange.over
    (<Account 'ann'>, True)
    """

    __slots__ = ("_exchange", "_mechanism", "over")

    over: bool
    """Whether the last word was said: the account that was given, or a refusal."""

    def __init__(self, mechanism: Mechanism, context: Context) -> None:
        self._mechanism = mechanism
        self._exchange: Exchange = mechanism.begin(context)
        self.over = False

    def begin(self, initial: bytes | None) -> Reply | Account:
        """The AUTH line, with its initial response as it stands there; gives a challenge, an account or a refusal."""
        if initial is None:
            return self._go_on(None)
        if not self._mechanism.client_first:
            return self._refuse(Err(f"{self._mechanism.name} begins with the server: it takes no initial response"))
        octets = b"" if initial == _EMPTY else decoded(initial)
        if octets is None:
            return self._refuse(replies.NOT_BASE64)
        challenge = self._go_on(None)
        return self._go_on(octets) if isinstance(challenge, Reply) and not self.over else challenge

    def respond(self, line: Line) -> Reply | Account:
        """A line of the client's; inside the exchange each is a response, whatever command it looks like."""
        if line is OVERLONG:
            return self._refuse(replies.OVERLONG_LINE)
        if line == _CANCEL:
            return self._refuse(replies.AUTH_CANCELLED)
        octets = decoded(line)
        return self._refuse(replies.NOT_BASE64) if octets is None else self._go_on(octets)

    def close(self) -> None:
        """The client has gone."""
        self.over = True
        self._exchange.close()

    def _go_on(self, octets: bytes | None) -> Reply | Account:
        """What the mechanism makes of it."""
        try:
            challenge = next(self._exchange) if octets is None else self._exchange.send(octets)
        except StopIteration as granted:
            self.over = True
            account: Account = granted.value.account
            return account
        except Refused as refused:
            self.over = True
            return Err(refused.text, code=refused.code)
        except OrdinaryPassword:
            self.over = True
            return replies.ORDINARY
        return Reply(b"+ " + binascii.b2a_base64(challenge, newline=False) + b"\r\n")

    def _refuse(self, reply: Reply) -> Reply:
        """End it from this side."""
        self.close()
        return reply


def response_told(mechanism: str, line: Line, which: int) -> str:
    r"""A response as the transcript may show it, from 0; what cannot be understood is masked, for it may be anything.

    >>> print(response_told("PLAIN", b"AGFubgBub3QtYS1zZWNyZXQ=", 0), response_told("PLAIN", b"*", 0))
    \0ann\0**** *
    >>> response_told("PLAIN", b"open-sesame", 0), response_told("NONE", b"AGFubgB4", 0)
    ('****', '****')
    """
    if line is OVERLONG:
        return "(an endless line)"
    if line == _CANCEL:
        return "*"
    octets = b"" if which == 0 and line == _EMPTY else decoded(line)
    known = MECHANISMS.get(mechanism.upper())
    return MASK if octets is None or known is None else known.shown(octets, which)


def challenge_told(status: bytes) -> str:
    r"""A challenge as the transcript may show it; what is none in base64, as it is.

    >>> challenge_told(b"+ VXNlcm5hbWU6\r\n"), challenge_told(b"+ go ahead\r\n"), challenge_told(b"+OK\r\n")
    ('+ Username:', '+ go ahead', '+OK')
    """
    octets = decoded(status[2:-2]) if well_formed(status) else None
    return visible(status[:-2]) if octets is None else f"+ {challenge_shown(octets)}"


def well_formed(status: bytes) -> bool:
    r"""Whether it has the form of a challenge (RFC 5034 section 4).

    >>> well_formed(b"+ \r\n"), well_formed(b"+ go ahead\r\n"), well_formed(b"+\r\n")
    (True, False, False)
    """
    return status.startswith(b"+ ") and decoded(status[2:-2]) is not None
