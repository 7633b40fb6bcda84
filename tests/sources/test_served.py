"""Mail from the disk behind a server: what a client sees, and what becomes of what goes wrong."""

from __future__ import annotations

import poplib
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Account, Pop3sServer, UsageError
from pop3s_fake.sources import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FROM = b"From ann@example.org Thu Jan  1 00:00:00 1970\n"
ONE = b"Subject: one\n\n.dot\n"
TWO = b"Subject: two\n\nbye\n"


def logged_in(server: Pop3sServer) -> poplib.POP3_SSL:
    """A client that nobody here wrote."""
    client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=30)
    client.user("ann")
    client.pass_("not-a-secret")
    return client


def served(path: Path, *, write_back: bool = False) -> Pop3sServer:
    """A server with this mail."""
    return Pop3sServer(accounts=[Account("ann", "not-a-secret", maildrop=load(path, write_back=write_back).maildrop)])


def test_a_client_fetches_and_deletes_for_good(write: Callable[[dict[str, bytes]], Path]) -> None:
    """RFC 1939 section 6: what QUIT was answered for is gone."""
    path = write({"spool": FROM + ONE + b"\n" + FROM + TWO + b"\n"}) / "spool"
    with served(path, write_back=True) as server:
        client = logged_in(server)
        assert client.stat() == (2, 43)
        assert client.retr(1)[1:] == ([b"Subject: one", b"", b".dot"], 22)
        client.dele(1)
        client.quit()
        assert path.read_bytes() == FROM + TWO + b"\n"
        client = logged_in(server)
        assert client.retr(1)[1] == [b"Subject: two", b"", b"bye"]
        client.quit()


def test_quit_tells_what_could_not_be_removed(write: Callable[[dict[str, bytes]], Path]) -> None:
    """RFC 1939 section 6: some deleted messages not removed."""
    path = write({"spool": FROM + ONE + b"\n"}) / "spool"
    with served(path, write_back=True) as server:
        client = logged_in(server)
        client.dele(1)
        path.write_bytes(FROM + TWO + b"\n")
        with pytest.raises(poplib.error_proto, match="some deleted messages were not removed"):
            client.quit()
        client.close()
    assert path.read_bytes() == FROM + TWO + b"\n"


def test_a_message_that_vanished_is_a_problem_of_the_server_and_not_its_end(
    write: Callable[[dict[str, bytes]], Path],
) -> None:
    """The session is over, for there is nothing right to answer; others go on, and the file is named."""
    folder = write({"new/1.a": ONE, "new/2.b": TWO})
    with served(folder) as server:
        client = logged_in(server)
        (folder / "new/1.a").unlink()
        with pytest.raises((OSError, poplib.error_proto)):
            client.retr(1)
        client.close()
        client = logged_in(server)
        assert client.retr(2)[1] == [b"Subject: two", b"", b"bye"]
        client.quit()
        with pytest.raises(UsageError) as caught:
            server.check()
    assert str(caught.value) == f"cannot read the message '{folder}/new/1.a': No such file or directory"
