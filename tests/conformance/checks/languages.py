"""LANG: RFC 6856 sections 3 and 7."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.conformance.checks.authorization import credentials
from tests.conformance.rows import row

if TYPE_CHECKING:
    from tests.conformance.talk import Server, Talk


def speaking(talk: Talk) -> Server:
    """A server with languages."""
    return talk.server(capabilities=["+LANG", "+UTF8"])


def listed(lines: list[bytes]) -> list[bytes]:
    """The tags of the list."""
    return [line.split(b" ")[0] for line in lines]


@row("6856-3.1")
def a_tag_chooses_the_language(talk: Talk) -> None:
    """Of this answer and of later ones; an unknown one changes nothing."""
    client = speaking(talk).connect()
    before = client.ask("XYZZY")
    assert client.refuses("LANG uga")
    assert client.ask("XYZZY") == before
    tags = [tag for tag in listed(client.ask("LANG").lines) if not tag.lower().startswith((b"en", b"i-default"))]
    reply = client.ask(b"LANG " + tags[0])
    assert reply.ok
    assert reply.data.split(b" ")[0].lower() == tags[0].lower()
    after = client.ask("XYZZY")
    assert after.err
    assert after.line.decode() != before.line.decode()


@row("6856-3.2")
def alone_it_lists_the_languages(talk: Talk) -> None:
    """A tag in each line, and its name perhaps."""
    lines = speaking(talk).connect().ask("LANG").lines
    assert lines
    assert all(re.fullmatch("[A-Za-z0-9-]+( .+)?", line.decode()) for line in lines)


@row("6856-3.3")
def a_star_is_the_default(talk: Talk) -> None:
    """In both states."""
    server = speaking(talk)
    client = server.connect()
    before = client.ask("XYZZY")
    tag = listed(client.ask("LANG").lines)[-1]
    for commands in ((), credentials(server)):
        assert client.ok(*commands, b"LANG " + tag)
        assert re.fullmatch(rb"\+OK [A-Za-z0-9-]+( .*)?", client.ask("LANG *").line)
        assert client.ask("XYZZY") == before


@row("6856-7")
def a_star_does_not_tell_which_names_exist(talk: Talk) -> None:
    """It is answered alike behind any name."""
    server = speaking(talk)
    said = {tuple(server.connect().asks(f"USER {name}", "LANG *")) for name in (server.user, "nobody")}
    assert len(said) == 1


@row("6856-2.8")
def utf8_and_lang_are_announced_in_both_states(talk: Talk) -> None:
    """LANG without arguments."""
    server = speaking(talk)
    for lines in (server.connect().capabilities(), server.login().capabilities()):
        assert {"UTF8", "UTF8 USER"} & set(lines)
        assert "LANG" in lines
