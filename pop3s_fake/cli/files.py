"""The files that a server leaves for its clients: the CA certificate and the ready file.

Knows how a file appears whole or not at all, and who may read it; must not know the server.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pop3s_fake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pop3s_fake.maildrop import Login

__all__ = ("check_place", "ready_text", "write_ca", "write_ready", "write_whole")

_PEM: Final = b"-----BEGIN CERTIFICATE-----"


def ready_text(host: str, port: int, stls_port: int | None, ca_file: str, logins: Sequence[Login]) -> str:
    r"""What a client in any language needs to begin, as JSON.

    >>> ready_text("localhost", 3995, None, "/ca.pem", [])
    '{"host": "localhost", "port": 3995, "stls_port": null, "ca_file": "/ca.pem", "accounts": []}\n'
    """
    accounts = [{"name": login.user, "password": login.password} for login in logins]
    text = json.dumps({"host": host, "port": port, "stls_port": stls_port, "ca_file": ca_file, "accounts": accounts})
    return f"{text}\n"


def write_ca(path: str, pem: str) -> str:
    """Write the CA certificate, in place of an older one only; gives the absolute path."""
    real = _regular("CA file", path)
    if real.is_file():
        with real.open("rb") as file:
            beginning = file.read(len(_PEM))
        if beginning not in {b"", _PEM}:
            raise UsageError(f"--ca-out {path!r} is there already and holds no certificate; name another file")
    _write("CA file", path, real, pem, 0o644)
    return str(Path(path).absolute())


def write_ready(path: str, text: str) -> None:
    """Write the ready file, which its owner alone may read, for it has passwords in it."""
    write_whole("ready file", path, text, 0o600)


def write_whole(what: str, path: str, text: str, mode: int) -> None:
    """Write a file that appears whole, in place of an older one; a UsageError that says ``what`` it was to be."""
    _write(what, path, _regular(what, path), text, mode)


def check_place(what: str, path: str) -> None:
    """See that a file can be made there, and leave nothing behind; the UsageError that writing it would be."""
    real = _regular(what, path)
    try:
        with tempfile.TemporaryFile(dir=real.parent, prefix=".pop3s-fake-"):
            pass
    except OSError as error:
        raise _unwritable(what, path, error) from None


def _regular(what: str, path: str) -> Path:
    """Where the file really is; a UsageError if there is something else."""
    real = Path(os.path.realpath(path))
    if real.exists() and not real.is_file():
        raise UsageError(f"cannot write the {what} {path!r}: it is no regular file; name another")
    return real


def _write(what: str, path: str, real: Path, text: str, mode: int) -> None:
    """Make a file appear under its name when it is whole."""
    try:
        descriptor, name = tempfile.mkstemp(dir=real.parent, prefix=".pop3s-fake-")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  # a descriptor is no path
                os.fchmod(descriptor, mode)
                file.write(text)
            Path(name).replace(real)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(what, path, error) from None


def _unwritable(what: str, path: str, error: OSError) -> UsageError:
    return UsageError(f"cannot write the {what} {path!r}: {error.strerror}; name another")
