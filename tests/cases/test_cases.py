"""Every case of the catalogue: it strikes, its clients say what the data promises, and its twin lets them through."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.cases import Case, case, case_ids

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable

    from pop3s_fake import Pop3sServer

    Serve = Callable[..., contextlib.AbstractContextManager[Pop3sServer]]
    Talk = Callable[[Pop3sServer, Case], str]

CASES = [case(name) for name in case_ids()]


def promised(parts: tuple[str, ...], said: str) -> bool:
    """Whether a client said one of these, in whatever case; nothing, where nothing is promised."""
    lower = said.lower().replace("connection has been closed (eof)", "eof occurred")  # so says an old CPython (3.11.2)
    return any(part.lower() in lower for part in parts) if parts else said == ""


@pytest.mark.parametrize("entry", CASES, ids=lambda entry: entry.id)
def test_poplib_says_what_is_promised_and_gets_through_to_the_twin(entry: Case, serve: Serve, pop: Talk) -> None:
    """All its rules struck, or the verdict would tell; for the twin it differs in whom it looks for at most."""
    with serve(entry.id) as server:
        said = pop(server, entry)
        if entry.id == "pop.session-swap":
            said += pop(server, entry)
        server.wait_idle(60)
        assert promised(entry.poplib, said), said
        assert server.judge() == []
        if entry.lax is not None:
            assert pop(server, replace(entry, client=entry.lax)) == ""
    if entry.twin:
        twin = case(entry.twin)
        if entry.client_certificate is None:
            twin = replace(twin, client=replace(entry.client, host=twin.client.host), crl=entry.crl)
        with serve(twin.id) as server:
            assert pop(server, twin) == ""
            assert server.judge() == []


ASKED = [entry for entry in CASES if entry.openssl and (entry.rules or entry.outage)]
"""Certificates and handshakes are shown to OpenSSL where they are at home."""


@pytest.mark.parametrize("entry", ASKED, ids=lambda entry: entry.id)
def test_openssl_says_what_is_promised_and_gets_through_to_the_twin(entry: Case, serve: Serve, s_client: Talk) -> None:
    """OpenSSL 3.0 and newer; the twin is left by QUIT."""
    with serve(entry.id) as server:
        said = s_client(server, entry)
        server.wait_idle(60)
        assert promised(entry.openssl, said), said
        assert server.judge() == []
    if entry.twin:
        with serve(entry.twin) as server:
            assert "+OK signing off" in s_client(server, case(entry.twin))
            assert server.judge() == []
