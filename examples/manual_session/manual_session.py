"""The session that everybody types once: POP3 by hand, with ``openssl s_client`` as the client.  It prints itself.

A small server of the old kind: a self-signed certificate with an RSA key of 3072 bits, TLS 1.2, one cipher suite, and a
temporary key on the curve secp521r1.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pop3s_fake import Account, Ok, Pop3sServer, Tls

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUND = 60.0  # seconds of real time after which a client is killed

HELLO = """\
Return-Path: <joe@mail.test>
X-Original-To: herong@localhost
Delivered-To: herong@localhost
Received: from mail.test (localhost [127.0.0.1])
 by localhost (Postfix) with SMTP id 5A1C8D3EF06B
 for <herong@localhost>; Mon, 02 Mar 2026 09:00:00 +0000
Subject: Hello

Hello encrypted world!
"""
SIZES = (692, 302, 296, 411, 1280, 505, 764, 388, 2048, 617, 299, 450, 903, 332, 5120)

CLIENT = ("openssl", "s_client", "-crlf", "-ign_eof")  # without -ign_eof a line that begins with Q or R is no command
ALL = ("USER herong", "PASS TopSecret", "LIST", "RETR 3", "QUIT")
LONG = ("LIST", "RETR")  # their answers end in a line with a dot

TOLD = re.compile(r"verify error:|(Server|Peer) Temp Key|Cipher is|Server public key|Verify return code|alert number")


def server(**keywords: Any) -> Pop3sServer:
    """The server, in the words of the one that most people meet; not started."""
    made = Pop3sServer(
        accounts=[Account("herong", "TopSecret")],
        certificate="self-signed-rsa-3072",
        tls=Tls(versions="1.2", ciphers="ECDHE-RSA-AES256-GCM-SHA384", groups="secp521r1"),
        **keywords,
    )
    made.account.maildrop.add(*(HELLO if octets == on_the_wire(HELLO) else letter(octets) for octets in SIZES))
    answers = {"greeting": "Dovecot ready.", "USER": "", "PASS": "Logged in.", "QUIT": "Logging out."}
    for when, text in answers.items():
        made.on(when).reply(Ok(text)).optional()
    made.on("LIST").reply(Ok(f"{len(SIZES)} messages:"), keep=True).optional()
    return made


def on_the_wire(text: str) -> int:
    """Octets of a text whose lines end in two there."""
    return len(text) + text.count("\n")


def letter(octets: int) -> str:
    """Some other letter, of this size."""
    head = "Subject: Some other letter\n\n"
    lines, rest = divmod(octets - on_the_wire(head) - 2, 64)
    return head + f"{'.' * 62}\n" * lines + f"{'-' * rest}\n"


def session(at: Pop3sServer, *options: str, types: tuple[str, ...]) -> Iterator[str]:
    """Type these commands, one when the one before is answered; gives what a terminal shows, of TLS the main lines."""
    command = (*CLIENT, *options, "-connect", f"{at.host}:{at.port}")
    yield f"$ {' '.join(Path(word).name for word in command)}"
    client = subprocess.Popen(  # noqa: S603  # the command stands above
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    alarm = threading.Timer(BOUND, client.kill)
    alarm.start()
    try:
        with client, client.stdout as heard, client.stdin as keyboard:  # type: ignore[union-attr]  # both are pipes
            for line in heard:
                if line.startswith("+OK"):
                    yield line.rstrip()
                    break
                if TOLD.search(line):
                    yield re.sub(r"^.*:(?=SSL alert number)", "", line).strip()
            else:
                return  # there was no greeting
            for typed in types:
                yield typed
                keyboard.write(f"{typed}\n")
                keyboard.flush()
                for line in heard:
                    yield line.rstrip()
                    if line.rstrip() == "." or not typed.startswith(LONG):
                        break
    finally:
        alarm.cancel()


def everything(folder: Path) -> Iterator[str]:
    """What a terminal shows: without trust, with it, and where a client certificate is required, without and with one.

    ``folder`` is for the server's certificate, which one has to have from somebody to trust it.
    """
    certificate = folder / "server.pem"
    with server() as at:
        certificate.write_text(at.authority.certificate_pem("self-signed-rsa-3072"), encoding="ascii")
        yield from session(at, types=ALL)
        yield ""
        yield from session(at, "-CAfile", str(certificate), types=(*ALL[:2], *ALL[3:]))
    with server(client_certificate="required") as at:
        mine = at.authority.client_certificate("herong", "good-rsa")
        yield ""
        yield from session(at, "-CAfile", str(certificate), types=ALL)
        yield ""
        shown = ("-cert", str(mine.certificate_file), "-key", str(mine.key_file))
        yield from session(at, "-CAfile", str(certificate), *shown, types=(*ALL[:2], "STAT", *ALL[4:]))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for shown in everything(Path(name)):
            sys.stdout.write(f"{shown}\n")
