"""LANG (RFC 6856 section 3): the texts of replies in other languages, and the file in which they stand."""

from __future__ import annotations

import ast
import base64
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.connection import Connection, Send, Settings
from pop3s_fake.maildrop import Account, Accounts
from pop3s_fake.protocol import Session
from pop3s_fake.protocol.capabilities import Offer
from pop3s_fake.protocol.languages import languages, matching
from pop3s_fake.protocol.replies import STATUS_LIMIT
from pop3s_fake.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pop3s_fake.connection.steps import Steps

PROTOCOL = Path(__file__).parents[2] / "pop3s_fake" / "protocol"

DATA = tomllib.loads((PROTOCOL / "languages.toml").read_text("utf-8"))

PLACE = re.compile(r"\{\w*\}")

FILLED_IN = {
    "{} {}: {}",  # the refusal of a form, whose whys stand beside it
    "{} {}",  # SASLprep's reasons
    "maildrop has {}",  # the number of messages
}
"""What the code puts together of parts that are none of these sentences."""


def _heard(steps: Steps) -> bytes:
    """All that is said until the client is to say something, or to the end."""
    said = b""
    for step in steps:
        if not isinstance(step, Send):
            break
        said += step.octets
    return said


class Client:
    """A session in clear, fed whole or octet by octet."""

    def __init__(self, capabilities: Sequence[str], *, octet: bool) -> None:
        account = Account("ann", "not-a-secret")
        account.maildrop.add_one(b"Subject: one\r\n", uid="octets")
        self.transcript = Transcript()
        self.octet = octet
        settings = Settings(Accounts([account]), now=lambda: 0.0, offer=Offer(capabilities))
        self.connection = Connection(settings, self.transcript.begin(0.0))
        self.steps = self.connection.steps()
        _heard(self.steps)

    def ask(self, *lines: str) -> list[str]:
        """The reply to each of these lines."""
        return [self._answer(f"{line}\r\n".encode()) for line in lines]

    def _answer(self, line: bytes) -> str:
        said = b""
        for piece in [line[i : i + 1] for i in range(len(line))] if self.octet else [line]:
            self.connection.feed(piece)
            said += _heard(self.steps)
        return said.decode()


@pytest.fixture(params=["whole", "octet"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Client]]:
    """Makes clients of a server that offers LANG, and more if asked."""
    clients: list[Client] = []

    def make(*more: str) -> Client:
        clients.append(Client(["+LANG", *more], octet=request.param == "octet"))
        return clients[-1]

    yield make
    for client in clients:
        client.connection.close()


LOGIN = ("USER ann", "PASS not-a-secret")


def test_a_language_is_chosen_for_this_and_all_later_texts(connect: Callable[..., Client]) -> None:
    """RFC 6856 section 3.2: replies of handlers and of those who never reached one, before and after the login."""
    said = connect().ask("LANG de", *LOGIN, "RETR 1", "RETR 2", "XYZZY", "LIST x", "DELE 1", "LIST", "STLS x", "QUIT")
    assert said == [
        "+OK de Antworten ab jetzt auf Deutsch\r\n",
        "+OK Name notiert, jetzt das Passwort\r\n",
        "+OK im Postfach liegt 1 Nachricht (14 Oktette)\r\n",
        "+OK 14 Oktette\r\nSubject: one\r\n.\r\n",
        "-ERR diese Nachricht gibt es nicht\r\n",
        "-ERR unbekannter Befehl\r\n",
        "-ERR LIST braucht eine Nachrichtennummer, nicht das: LIST or LIST message-number\r\n",
        "+OK Nachricht 1 gelöscht\r\n",
        "+OK 0 Nachrichten (0 Oktette)\r\n.\r\n",
        "-ERR unbekannter Befehl\r\n",
        "+OK auf Wiedersehen\r\n",
    ]


def test_codes_and_what_programs_read_stay(connect: Callable[..., Client]) -> None:
    """RFC 2449 section 8: the code stands first; and a unique-id that looks like a text is none."""
    client = connect("+LAST")
    said = client.ask("LANG es", "USER ann", "PASS guess", *LOGIN, "STAT", "LIST 1", "UIDL 1", "LAST", "NOOP")
    assert said[2] == "-ERR [AUTH] el nombre o la contraseña es incorrecto\r\n"
    assert said[5:] == ["+OK 1 14\r\n", "+OK 1 14\r\n", "+OK 1 octets\r\n", "+OK 0\r\n", "+OK\r\n"]


def test_auth_speaks_the_language_too(connect: Callable[..., Client]) -> None:
    """Challenges are the mechanism's; what ends the exchange is a text."""
    plain = base64.b64encode(b"\0ann").decode()
    client = connect("+SASL PLAIN")
    assert client.ask("LANG de", "AUTH PLAIN", "*", f"AUTH PLAIN {plain}", "AUTH PLAIN")[1:] == [
        "+ \r\n",
        "-ERR AUTH abgebrochen\r\n",
        "-ERR PLAIN braucht [authzid] NUL authcid NUL passwd (RFC 4616 Abschnitt 2)\r\n",
        "+ \r\n",
    ]
    refused, opened = client.ask(
        "=", f"AUTH PLAIN {base64.b64encode(chr(0).join(['', *LOGIN_WORDS]).encode()).decode()}"
    )
    assert refused == "-ERR das ist kein Base64\r\n"
    assert opened == "+OK im Postfach liegt 1 Nachricht (14 Oktette)\r\n"


LOGIN_WORDS = ("ann", "not-a-secret")


def test_an_unknown_language_changes_nothing(connect: Callable[..., Client]) -> None:
    """RFC 6856 section 3.2: the refusal is in the language that there was."""
    assert connect().ask("LANG uga", "NOOP", "LANG de", "LANG uga", "LANG de fr", "LANG ", "XYZZY") == [
        "-ERR there is no such language here\r\n",
        "-ERR NOOP is legal in TRANSACTION, this is AUTHORIZATION\r\n",
        "+OK de Antworten ab jetzt auf Deutsch\r\n",
        "-ERR diese Sprache gibt es hier nicht\r\n",
        "-ERR LANG hat weniger Argumente: LANG or LANG language-tag\r\n",
        "-ERR ein Befehl ist ein Schlüsselwort mit druckbaren Argumenten, durch je ein Leerzeichen getrennt\r\n",
        "-ERR unbekannter Befehl\r\n",
    ]


def test_the_languages_are_listed_in_both_states(connect: Callable[..., Client]) -> None:
    """RFC 6856 section 3.2: a tag and its name a line."""
    client = connect()
    listing = "i-default Default: English\r\nen English\r\nde Deutsch\r\nes Español\r\n.\r\n"
    assert client.ask("LANG", "LANG es", "lang")[::2] == [
        f"+OK language listing follows\r\n{listing}",
        f"+OK sigue la lista de idiomas\r\n{listing}",
    ]
    client.ask(*LOGIN)
    assert client.ask("LANG", "LANG EN", "LANG") == [
        f"+OK sigue la lista de idiomas\r\n{listing}",
        "+OK en replies are in English now\r\n",
        f"+OK language listing follows\r\n{listing}",
    ]


def test_the_default_comes_back(connect: Callable[..., Client]) -> None:
    """RFC 6856 section 3.2, RFC 2277 section 4.5: in both states, and whoever is about to log in."""
    default = "+OK i-default replies are in English now\r\n"
    client = connect()
    assert client.ask("LANG de-AT", "LANG *", "XYZZY") == [
        "+OK de Antworten ab jetzt auf Deutsch\r\n",
        default,
        "-ERR unknown command\r\n",
    ]
    assert client.ask("USER ann", "LANG *", "USER nobody", "LANG *")[1::2] == [default, default]
    assert client.ask("LANG es", *LOGIN, "LANG *", "DELE 9")[-2:] == [default, "-ERR no such message\r\n"]


def test_it_is_announced_and_there_only_where_it_is_listed(connect: Callable[..., Client]) -> None:
    """RFC 6856 section 3.1: without arguments, in both states."""
    client = connect()
    before, *_, after = client.ask("CAPA", *LOGIN, "CAPA")
    assert "\r\nLANG\r\n" in before
    assert "\r\nLANG\r\n" in after
    assert connect("-LANG").ask("LANG", "LANG de") == ["-ERR unknown command\r\n"] * 2


def test_the_transcript_shows_what_was_said(connect: Callable[..., Client]) -> None:
    """In that language; what is not ASCII as octets, as everywhere there."""
    client = connect()
    client.ask("LANG es", "USER ann")
    told = [entry.text for entry in client.transcript.sessions[0].entries]
    assert told[-2:] == ["USER ann", r"+OK nombre anotado, ahora la contrase\xc3\xb1a"]


def test_tls_forgets_the_language() -> None:
    """RFC 2595 section 4: as all that was said before it."""
    session = Session(Accounts([]), offer=Offer(["+LANG"], stls=True), secure=False)
    assert session.execute(b"LANG de").status.startswith(b"+OK de ")
    assert session.execute(b"STLS").octets() == b"+OK TLS kann beginnen\r\n"
    session.secured()
    assert session.execute(b"XYZZY").octets() == b"-ERR unknown command\r\n"


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [
        *(("de", "de"), ("DE", "de"), ("es-419", "es"), ("de-Latn-CH-1996", "de"), ("i-default", "i-default")),
        *(
            ("en-GB-oed", "en"),
            ("*", "i-default"),
            ("d", None),
            ("deu", None),
            ("", None),
            ("-de", None),
            ("*-de", None),
        ),
    ],
)
def test_a_range_finds_the_language_that_is_nearest(wanted: str, tag: str | None) -> None:
    """RFC 4647 section 3.4."""
    found = matching(wanted)
    assert (None if found is None else found.tag) == tag


# the file


def test_each_text_stands_in_each_language_with_the_same_places() -> None:
    """And no text stands twice."""
    tags = {"en", *DATA["names"]} - {"i-default"}
    texts = DATA["text"]
    assert set(DATA) == {"names", "text"}
    assert [each for each in texts if each.keys() != tags] == []
    assert [each for each in texts if len({tuple(sorted(PLACE.findall(text))) for text in each.values()}) != 1] == []
    english = [PLACE.sub("{}", each["en"]) for each in texts]
    assert len(set(english)) == len(english)


def test_no_text_is_too_long_for_a_status_line_or_has_anything_but_text() -> None:
    """RFC 1939 section 3: with room for a code and what is filled in."""
    for each in DATA["text"]:
        for text in each.values():
            assert len(text.encode()) <= STATUS_LIMIT // 2, text
            assert text.isprintable()
            assert text == text.strip()


def _said() -> set[str]:
    """All texts that stand in the code of the protocol as replies or reasons, with {} for what is filled in."""
    found = set()
    for path in [*PROTOCOL.rglob("*.py"), PROTOCOL.parent / "maildrop" / "saslprep.py"]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name in {"Ok", "Err", "Refused"}:
                found.add(_template(node.args[0]))
            if name == "Unprepared":  # behind the name of the thing
                found.add(f"{{}} {_template(node.args[0])}")
            if name == "Reply":
                found.add(_template(node.args[0]).removeprefix("+OK ").removesuffix("\r\n"))
            if name in {"_refusal", "_listing"}:
                found.add(_template(node.args[1]))
    return {text for text in found if re.search("[a-z]", text)}


def _template(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(each) if isinstance(each, ast.Constant) else "{}" for each in node.values)
    if isinstance(node, ast.BinOp):
        return re.sub("%[db]", "{}", _template(node.left))
    if isinstance(node, ast.IfExp):
        return _template(node.body)
    if not isinstance(node, ast.Constant):
        return ""
    return node.value.decode() if isinstance(node.value, bytes) else str(node.value)


def test_each_text_of_the_code_stands_in_the_file() -> None:
    """Whatever the protocol can say can be said in each language."""
    known = {PLACE.sub("{}", each["en"]) for each in DATA["text"]}
    whys = {f"{{}} {why}: {{}}" for why in ("is not complete", "takes no argument", "takes fewer arguments")}
    said = _said() - FILLED_IN - {"is not complete", "takes no argument", "takes {}, not that"}
    assert whys < known
    assert said - known == set()


def test_the_names_of_arguments_and_the_reasons_of_saslprep_stand_there_too() -> None:
    """Those that are filled in."""
    from pop3s_fake.maildrop.saslprep import _PROHIBITED  # noqa: PLC0415
    from pop3s_fake.protocol.commands import Argument  # noqa: PLC0415

    german = languages()["de"]
    told = {Argument.NUMBER, Argument.LINES, Argument.DIGEST, Argument.MECHANISM}
    parts = [argument.value for argument in told] + [what for _, what in _PROHIBITED]
    assert [part for part in parts if german.text(part) == part] == []
    assert german.text("the name has a control character, U+0007") == "der Name: enthält ein Steuerzeichen, U+0007"
