"""Each variety of message: what makes it one, alone and with every other, and that RETR gives it octet by octet."""

from __future__ import annotations

import email
import email.policy
import poplib
import re
import socket
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from pop3s_fake import Maildrop, Pop3sServer
from pop3s_fake.factories import Draft, MessageFactory

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

BOUND: Final = 30.0  # seconds of real time after which a client gives up; costs only a test that fails


def parsed(octets: bytes) -> EmailMessage:
    """What the email package reads."""
    return email.message_from_bytes(octets, policy=email.policy.default)


def header(draft: Draft) -> bytes:
    """The octets up to the empty line."""
    return draft.content.partition(b"\r\n\r\n")[0]


def text_lines(draft: Draft) -> list[str]:
    """The lines of the text, as somebody reads them."""
    body = parsed(draft.content).get_body(("plain",))
    assert body is not None
    lines: list[str] = body.get_content().split("\r\n")
    assert lines.pop() == ""
    return lines


def has_attachments(draft: Draft) -> None:
    """Two of them, with names."""
    attachments = list(parsed(draft.content).iter_attachments())
    assert [str(part.get_filename()).rpartition(".")[0][-2:] for part in attachments] == ["-1", "-2"]
    assert all(len(part.get_payload(decode=True)) > 100 for part in attachments)


def has_html(draft: Draft) -> None:
    """An alternative that says the same."""
    html = parsed(draft.content).get_body(("html",))
    assert html is not None
    assert html.get_content_type() == "text/html"
    words = [line for line in text_lines(draft) if line.isascii() and line[:1].isalpha() and "xxx" not in line]
    assert sum(line in html.get_content() for line in words) > 1


def has_encoded_headers(draft: Draft) -> None:
    """ASCII in the octets, and more than that for who reads it."""
    mail = parsed(draft.content)
    assert header(draft).isascii()
    assert header(draft).count(b"=?utf-8?") > 2
    for name in ("Subject", "From", "To"):
        assert not str(mail[name]).isascii()


def has_folded_headers(draft: Draft) -> None:
    """Fields of several lines, none longer than 78 (RFC 5322 section 2.1.1), which unfold to one."""
    lines = header(draft).split(b"\r\n")
    received = next(place for place, line in enumerate(lines) if line.startswith(b"Received:"))
    assert [line[:1] == b" " for line in lines[received : received + 4]] == [False, True, True, False]
    assert sum(line.startswith(b" ") for line in lines) > 3
    assert max(map(len, lines)) <= 78
    mail = parsed(draft.content)
    assert len(str(mail["Subject"])) > 78
    assert str(mail["References"]).count("@example.test>") == 4


def has_long_lines(draft: Draft) -> None:
    """Longer than RFC 5322 allows and poplib reads."""
    assert max(map(len, draft.content.split(b"\r\n"))) == 5000


def has_leading_dots(draft: Draft) -> None:
    """Lines that RETR must stuff and a client must not leave stuffed."""
    lines = draft.content.split(b"\r\n")
    assert {b".hidden", b"..", b"...three of them", b". and a space"} <= set(lines)


def has_lone_dots(draft: Draft) -> None:
    """Lines that look like the end, first, last, and twice in a row."""
    lines = text_lines(draft)
    assert (lines[0], lines[-2:], lines.count(".") >= 4) == (".", [".", "."], True)


def has_eight_bit(draft: Draft) -> None:
    """UTF-8 as it is, and said to be so."""
    body = parsed(draft.content).get_body(("plain",))
    assert body is not None
    assert (body["Content-Transfer-Encoding"], body.get_content_charset()) == ("8bit", "utf-8")
    beyond = [line for line in text_lines(draft) if not line.isascii()]
    assert beyond
    assert all(line.encode() + b"\r\n" in draft.content for line in beyond)


def has_no_final_newline(draft: Draft) -> None:
    """It is completed when it is delivered, and counted so (RFC 1939 section 11)."""
    assert draft.read_bytes() + b"\r\n" == draft.content
    assert not draft.read_bytes().endswith((b"\r", b"\n"))


def is_huge(draft: Draft) -> None:
    """To the octet."""
    assert draft.octets == len(draft.content) == 100_000


def has_broken_mime(draft: Draft) -> None:
    """The parser complains, and finds the text all the same."""
    mail = parsed(draft.content)
    assert [type(defect).__name__ for defect in mail.defects] == ["CloseBoundaryNotFoundDefect"]
    last = list(mail.iter_attachments())[-1]
    last.get_payload(decode=True)
    assert {type(defect).__name__ for defect in last.defects} & {
        "InvalidBase64PaddingDefect",
        "InvalidBase64CharactersDefect",
        "InvalidBase64LengthDefect",
    }
    assert len(text_lines(draft)) > 3


def is_faked(draft: Draft) -> None:
    """Somebody with a name."""
    assert "Sender" not in str(parsed(draft.content)["From"])


class Variety(NamedTuple):
    """What is asked for, and what makes it that."""

    value: Any
    holds: Callable[[Draft], None]


VARIETIES: Final = {
    "attachments": Variety(2, has_attachments),
    "html": Variety(True, has_html),
    "encoded_headers": Variety(True, has_encoded_headers),
    "folded_headers": Variety(True, has_folded_headers),
    "long_lines": Variety(True, has_long_lines),
    "leading_dots": Variety(True, has_leading_dots),
    "lone_dots": Variety(True, has_lone_dots),
    "eight_bit": Variety(True, has_eight_bit),
    "no_final_newline": Variety(True, has_no_final_newline),
    "huge": Variety(100_000, is_huge),
    "broken_mime": Variety(True, has_broken_mime),
    "faked": Variety(True, is_faked),
}


def retrieved(server: Pop3sServer, number: int) -> bytes:
    """What RETR gives, octet by octet and unstuffed, in lines of any length."""
    said = f"USER {server.login.user}\r\nPASS {server.login.password}\r\nRETR {number}\r\nQUIT\r\n"
    with (
        socket.create_connection((server.host, server.port), timeout=BOUND) as plain,
        server.client_context().wrap_socket(plain, server_hostname=server.host) as client,
        client.makefile("rb") as heard,
    ):
        client.sendall(said.encode())
        for _ in range(4):  # the greeting, USER, PASS, RETR
            assert (line := heard.readline()).startswith(b"+OK"), line
        lines = []
        while (line := heard.readline()) != b".\r\n":
            assert line.endswith(b"\r\n"), line
            lines.append(line.removeprefix(b"."))
        assert heard.readline().startswith(b"+OK")
    return b"".join(lines)


@pytest.mark.parametrize("name", VARIETIES)
def test_a_variety_is_what_it_says(name: str) -> None:
    """And a message without it is not, so the claim says something."""
    variety = VARIETIES[name]

    for draft in MessageFactory.with_seed(1).build_batch(20, **{name: variety.value}):
        variety.holds(draft)
    with pytest.raises((AssertionError, StopIteration)):
        variety.holds(MessageFactory.build(seed=1))


@pytest.mark.parametrize(("one", "other"), list(combinations(VARIETIES, 2)))
def test_any_two_varieties_combine(one: str, other: str) -> None:
    """Both claims hold, and the message is one that every parser reads."""
    draft = MessageFactory.build(**{name: VARIETIES[name].value for name in (one, other)}, seed=2)

    VARIETIES[one].holds(draft)
    VARIETIES[other].holds(draft)
    is_mail(draft, broken="broken_mime" in (one, other))


def test_all_varieties_combine() -> None:
    """All at once."""
    draft = MessageFactory.build(**{name: variety.value for name, variety in VARIETIES.items()}, seed=3)

    for variety in VARIETIES.values():
        variety.holds(draft)
    is_mail(draft, broken=True)


def is_mail(draft: Draft, *, broken: bool) -> None:
    """Every line ends in CRLF and nothing else; the parser reads what the fields say, and complains only if broken."""
    assert draft.content.endswith(b"\r\n")
    assert not re.search(rb"[\r\n\0]", draft.content.replace(b"\r\n", b""))
    mail = parsed(draft.content)
    assert {"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"} <= set(mail.keys())
    assert str(mail["Subject"]).startswith("Message ")
    assert [part.defects for part in mail.walk() if part.defects] == [] or broken


def test_a_plain_message_is_plain() -> None:
    """The default: text in ASCII, nothing folded, encoded, dotted or cut in parts."""
    first, second = MessageFactory.with_seed(7).build_batch(2)
    mail = parsed(first.content)

    is_mail(first, broken=False)
    assert first.content.isascii()
    assert mail.get_content_type() == "text/plain"
    assert max(map(len, first.content.split(b"\r\n"))) <= 78
    assert not [line for line in first.content.split(b"\r\n") if line.startswith((b".", b" ", b"\t"))]
    assert (str(mail["From"]), str(mail["To"])) == (
        "Sender 1 <sender-1@example.test>",
        "Recipient <recipient@example.test>",
    )
    assert parsed(second.content)["Date"].datetime > mail["Date"].datetime
    assert parsed(second.content)["Message-ID"] != mail["Message-ID"]


def test_an_empty_body_is_a_header_and_the_empty_line() -> None:
    """With whatever the header may have."""
    plain = MessageFactory.build(empty_body=True)
    other = MessageFactory.build(empty_body=True, encoded_headers=True, folded_headers=True)

    for draft in (plain, other):
        assert draft.content.endswith(b"\r\n\r\n")
        assert draft.content.count(b"\r\n\r\n") == 1
        assert parsed(draft.content).get_payload() == ""
    assert b"=?utf-8?" in header(other)


def test_a_huge_message_has_exactly_the_octets() -> None:
    """Whatever remains after whole lines of filling; also where the last CRLF is added only at delivery."""
    for size in (*range(1200, 1280), 1_000_000):
        for more in ({}, {"lone_dots": True, "no_final_newline": True}):
            draft = MessageFactory.build(huge=size, text="one\ntwo", **more)
            assert draft.octets == len(draft.content) == size
            assert max(map(len, draft.content.split(b"\r\n"))) <= 78


def test_a_long_line_has_as_many_octets_as_asked() -> None:
    """Such as the 998 that RFC 5322 section 2.1.1 allows."""
    for octets in (100, 998, 999, 20_000):
        draft = MessageFactory.build(long_lines=octets)
        assert max(map(len, draft.content.split(b"\r\n"))) == octets


def test_fields_are_taken_as_they_are() -> None:
    """Given for one message, or declared for all of a factory's."""

    class Reports(MessageFactory):
        subject = "the report"
        attachments = 1

    mail = parsed(
        Reports.build(text="one\n.two\n\nthree", sender="Ünal <u@example.test>", message_id="<1@example.test>").content
    )
    body = mail.get_body(("plain",))

    assert body is not None
    assert body.get_content() == "one\r\n.two\r\n\r\nthree\r\n"
    assert (str(mail["Subject"]), str(mail["From"]), mail["Message-ID"]) == (
        "the report",
        "Ünal <u@example.test>",
        "<1@example.test>",
    )
    assert len(list(mail.iter_attachments())) == 1


def test_a_text_beyond_ascii_goes_as_8bit() -> None:
    """Whatever its line ends."""
    body = parsed(MessageFactory.build(text="Grüße\r\nund\rmehr\n").content)

    assert (body["Content-Transfer-Encoding"], body.get_content()) == ("8bit", "Grüße\r\nund\r\nmehr\r\n")


def test_one_field_changes_no_other() -> None:
    """Each is drawn by itself: a test that sets a subject gets the same text and attachments as before."""
    plain, other = (MessageFactory.build(attachments=2, **more) for more in ({"seed": 5}, {"seed": 5, "subject": "x"}))

    assert plain.content.partition(b"Date:")[2] == other.content.partition(b"Date:")[2]
    assert plain.content != other.content


def test_a_draft_is_what_the_maildrop_will_have() -> None:
    """The unique-id and the octets are known before; the source may be given to `add` among others."""
    drafts = [MessageFactory.build(), MessageFactory.build(no_final_newline=True)]
    maildrop = Maildrop()
    stored = maildrop.add(drafts[0], "Subject: between\n\n", drafts[1])

    for message, draft in zip(stored[::2], drafts, strict=True):
        assert (message.uid, message.octets, message.content) == (draft.uid, draft.octets, draft.content)


def everything(maildrop: Maildrop) -> list[Draft]:
    """Drafts of every variety, delivered."""
    make = MessageFactory.with_seed(4)
    drafts = [make.build(**{name: variety.value}) for name, variety in VARIETIES.items()]
    drafts += [make.build(), make.build(empty_body=True), make.build(leading_dots=True, lone_dots=True)]
    drafts += [make.build(lone_dots=True, no_final_newline=True, text=".")]
    maildrop.add(*drafts)
    return drafts


def test_every_variety_arrives_octet_by_octet() -> None:
    """RETR by a client that reads lines of any length."""
    with Pop3sServer() as server:
        for number, draft in enumerate(everything(server.maildrop), 1):
            assert retrieved(server, number) == draft.content


def test_every_variety_arrives_at_poplib() -> None:
    """But for the lines that are too long for it; leading and lone dots included."""
    with Pop3sServer() as server:
        drafts = everything(server.maildrop)
        client = poplib.POP3_SSL(server.host, server.port, context=server.client_context(), timeout=BOUND)
        client.user(server.login.user)
        client.pass_(server.login.password)
        for number, draft in enumerate(drafts, 1):
            if max(map(len, draft.content.split(b"\r\n"))) < poplib._MAXLINE:  # type: ignore[attr-defined]  # private
                _, lines, _ = client.retr(number)
                assert b"".join(line + b"\r\n" for line in lines) == draft.content
        client.quit()
        assert len(server.transcript.last_session.retrieved) == len(drafts) - 1
