"""Tests with nothing but the standard library's unittest: ``python -m unittest``."""

from __future__ import annotations

import poplib
import ssl
import unittest
from contextlib import closing
from typing import TYPE_CHECKING

from pop3s_fake import UnmetRule
from pop3s_fake.unittest import Pop3sTestCase

if TYPE_CHECKING:
    from pathlib import Path


def fetch(host: str, port: int, user: str, password: str, *, ca_file: Path) -> list[bytes]:
    """The first line of every message; the code under test."""
    context = ssl.create_default_context(cafile=ca_file)
    with closing(poplib.POP3_SSL(host, port, context=context, timeout=10)) as client:
        client.user(user)
        client.pass_(password)
        lines = [client.retr(number)[1][0] for number in range(1, client.stat()[0] + 1)]
        client.quit()
    return lines


class FetchTest(Pop3sTestCase):
    """Each test finds a server of its own in ``self.server``, which is started when it is first used."""

    def fetch(self) -> list[bytes]:
        """Fetch from this test's server."""
        return fetch(self.server.host, self.server.port, *self.server.login, ca_file=self.server.ca_file)

    def test_fetches_everything(self) -> None:
        """There is mail, and it comes."""
        self.server.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
        self.assertEqual(self.fetch(), [b"Subject: one", b"Subject: two"])

    def test_a_scripted_answer(self) -> None:
        """The server says what the test wants it to say."""
        self.server.on("STAT").reply("-ERR no disk")
        with self.assertRaisesRegex(poplib.error_proto, "no disk"):
            self.fetch()

    def test_a_rule_that_never_strikes_is_told(self) -> None:
        """The verdict comes by itself at the end of each test; here it is asked for."""
        self.server.on("DELE").end("rst")
        self.fetch()
        with self.assertRaisesRegex(UnmetRule, "DELE was not sent"):
            self.server.check()


class ExpiredTest(Pop3sTestCase):
    """The keywords of the server are the class's."""

    pop3s_options = {"certificate": "expired"}  # noqa: RUF012  # a ClassVar, as it is declared in Pop3sTestCase

    def test_an_expired_certificate_is_refused(self) -> None:
        """And no password was sent."""
        server = self.server
        with self.assertRaises(ssl.SSLCertVerificationError):
            fetch(server.host, server.port, *server.login, ca_file=server.ca_file)
        self.assertEqual(server.transcript.keywords, [])


if __name__ == "__main__":
    unittest.main()
