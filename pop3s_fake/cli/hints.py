"""The lines to paste into another terminal: three clients that reach the server as it is.

Knows how openssl, curl and Python are called, and the quoting of the shell; must not know the server.
"""

from __future__ import annotations

import ipaddress
import json
import shlex

__all__ = ("hints", "stls_hint")


def hints(host: str, port: int, user: str, password: str, ca_file: str, *, mail: bool) -> tuple[str, str, str]:
    """Command lines of ``openssl s_client``, ``curl`` and Python's ``poplib``, for a POSIX shell.

    The first shows the greeting and takes commands, the second fetches the first message (the scan listing if there is
    no ``mail``), the third prints the scan listing.  All verify certificate and host name.

    >>> for line in hints("::1", 3995, "ann", "it's", "/ca.pem", mail=True):
    ...     print(line)
    openssl s_client -quiet -crlf -connect '[::1]:3995' -CAfile /ca.pem -verify_return_error -verify_ip ::1
    curl --cacert /ca.pem --user 'ann:it'"'"'s' 'pop3s://[::1]:3995/1'
    python3 -c 'import poplib, ssl
    client = poplib.POP3_SSL("::1", 3995, context=ssl.create_default_context(cafile="/ca.pem"))
    client.user("ann"); client.pass_("it'"'"'s"); print(client.list()); client.quit()'
    """
    place = _place(host, port)
    check = ["-verify_ip" if _is_address(host) else "-verify_hostname", host]
    openssl = ["openssl", "s_client", "-quiet", "-crlf", "-connect", place, "-CAfile", ca_file, "-verify_return_error"]
    curl = ["curl", "--cacert", ca_file, "--user", f"{user}:{password}", f"pop3s://{place}/{1 if mail else ''}"]
    context = f"ssl.create_default_context(cafile={_text(ca_file)})"
    program = (
        "import poplib, ssl\n"
        f"client = poplib.POP3_SSL({_text(host)}, {port}, context={context})\n"
        f"client.user({_text(user)}); client.pass_({_text(password)}); print(client.list()); client.quit()"
    )
    return shlex.join([*openssl, *check]), shlex.join(curl), shlex.join(["python3", "-c", program])


def stls_hint(host: str, port: int, user: str, password: str, ca_file: str) -> str:
    """The command line of curl for the port in clear; it goes on with TLS only, and prints the scan listing.

    >>> stls_hint("localhost", 3110, "ann", "secret", "/ca.pem")
    'curl --ssl-reqd --cacert /ca.pem --user ann:secret pop3://localhost:3110/'
    """
    words = ["curl", "--ssl-reqd", "--cacert", ca_file, "--user", f"{user}:{password}", f"pop3://{_place(host, port)}/"]
    return shlex.join(words)


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _text(value: str) -> str:
    """A literal of Python in double quotes, so that the shell's single ones stay as they are."""
    return json.dumps(value, ensure_ascii=False)
