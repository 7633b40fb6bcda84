"""The two floors: what a threaded server costs that does nothing but TLS and canned replies.

Knows sockets, threads and TLS as the standard library offers them, and nothing of POP3: the first four octets of
what arrives choose the reply.  ``F`` lets ``wrap_socket`` do TLS on the socket; ``B`` does it through ``MemoryBIO``
and moves the octets itself, as a server must that wants each record in its own hands.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Self

    Reply = bytes | Callable[[], Iterable[bytes]]

GREETING = b"+OK ready\r\n"
STEP = 65_536  # octets sealed and sent at once: four full records; less costs system calls, more gains nothing
GRACE = 10.0  # seconds for a thread to end after its client has gone


class Floor:
    """Listener, one accept thread that a socketpair can wake, one thread a connection."""

    def __init__(self, context: ssl.SSLContext, replies: Mapping[bytes, Reply]) -> None:
        self.context = context
        self.replies = replies
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.waker, self.wake = socket.socketpair()
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.wake.send(b"x")
        for thread in (self.acceptor, *self.threads):
            thread.join(GRACE)
        for end in (self.wake, self.waker, self.listener):
            end.close()

    def accept(self) -> None:
        """Hand each connection to a thread of its own, until woken."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.listener, selectors.EVENT_READ)
            selector.register(self.waker, selectors.EVENT_READ)
            while self.waker not in {key.fileobj for key, _ in selector.select()}:
                connection, _ = self.listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                thread = threading.Thread(target=self.run, args=(connection,), daemon=True)
                self.threads.append(thread)
                thread.start()

    def run(self, connection: socket.socket) -> None:
        """Talk until the client goes, in whatever way it goes."""
        with connection, contextlib.suppress(OSError):
            self.talk(connection)

    def talk(self, connection: socket.socket) -> None:
        """One conversation."""
        raise NotImplementedError


class F(Floor):
    """TLS by ``wrap_socket``."""

    def talk(self, connection: socket.socket) -> None:
        """Each reply is one blocking ``sendall``, or one for each chunk."""
        with self.context.wrap_socket(connection, server_side=True) as tls:
            tls.sendall(GREETING)
            while keyword := tls.recv(4096)[:4]:
                reply = self.replies[keyword]
                if isinstance(reply, bytes):
                    tls.sendall(reply)
                else:
                    for chunk in reply():
                        tls.sendall(chunk)
                if keyword == b"QUIT":
                    return


class B(Floor):
    """TLS by ``MemoryBIO``."""

    def talk(self, connection: socket.socket) -> None:
        """Receive, feed, read; write, take, send."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
        if not self.handshaken(tls, connection, incoming, outgoing):
            return
        tls.write(GREETING)
        connection.sendall(outgoing.read())
        while data := connection.recv(STEP):
            incoming.write(data)
            try:
                keyword = tls.read(4096)[:4]
            except ssl.SSLWantReadError:
                continue
            if not keyword:
                return
            reply = self.replies[keyword]
            for chunk in (reply,) if isinstance(reply, bytes) else reply():
                view = memoryview(chunk)
                for start in range(0, len(view), STEP):
                    tls.write(view[start : start + STEP])
                    connection.sendall(outgoing.read())
            if keyword == b"QUIT":
                return

    @staticmethod
    def handshaken(
        tls: ssl.SSLObject,
        connection: socket.socket,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> bool:
        """Shake hands; what the server sends last leaves with the greeting.  False if the client went away."""
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                if outgoing.pending:
                    connection.sendall(outgoing.read())
                if not (data := connection.recv(STEP)):
                    return False
                incoming.write(data)
            else:
                return True
