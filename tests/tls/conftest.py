"""TLS conversations between an OpenSSL client and ``Records``, in memory."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from pop3s_fake.tls import Authority, Records

if TYPE_CHECKING:
    from collections.abc import Callable


class Pair:
    """A client of Python's own ssl and our side, joined by two byte strings; each way may be cut into pieces."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext, piece: int | None, **wrap: Any) -> None:
        self.piece = piece
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self.incoming, self.outgoing, **{"server_hostname": "localhost", **wrap})
        self.records = Records(server)
        self.client_error: ssl.SSLError | None = None
        self.server_error: ssl.SSLError | None = None

    def pieces(self, octets: bytes) -> list[bytes]:
        """The octets as they arrive: whole, or cut."""
        return [octets[at : at + self.piece] for at in range(0, len(octets), self.piece)] if self.piece else [octets]

    def shake(self) -> Pair:
        """Hand octets to and fro until neither has anything to say."""
        done = False
        moved = True
        while moved:
            try:
                self.client.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                self.client_error = self.client_error or error
            said = self.outgoing.read()
            for piece in self.pieces(said) if said else ():
                self.records.feed(piece)
                if not done and not self.server_error:
                    try:
                        done = self.records.handshake()
                    except ssl.SSLError as error:
                        self.server_error = error
            answer = self.records.take()
            self.incoming.write(answer)
            moved = bool(said or answer)
        return self

    def hear(self) -> bytes:
        """What the client can read now; raises what it raises."""
        return self.client.read(1 << 20)

    def say(self, octets: bytes) -> None:
        """Send plaintext from the client to our side, without reading it there."""
        self.client.write(octets)
        for piece in self.pieces(self.outgoing.read()):
            self.records.feed(piece)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """One authority for all tests: certificates and contexts are made once."""
    return Authority()


@pytest.fixture(params=[None, 1], ids=["whole", "octet-by-octet"])
def pair(request: pytest.FixtureRequest, authority: Authority) -> Callable[..., Any]:
    """Make a pair that has shaken hands; every test that uses it runs with whole flights and octet by octet."""

    def make(
        server: ssl.SSLContext | None = None, client: ssl.SSLContext | None = None, *, shake: bool = True, **wrap: Any
    ) -> Pair:
        made = Pair(server or authority.server_context(), client or authority.client_context(), request.param, **wrap)
        return made.shake() if shake else made

    return make
