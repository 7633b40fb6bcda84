"""What tests ask of a transcript, and how people read it."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.transcript import Entry, Session, TlsNotes, Transcript


@pytest.fixture
def transcript() -> Transcript:
    """Two sessions: one that fetched and deleted, and one that is open yet."""
    transcript = Transcript()
    first = transcript.begin(100.0)
    first.tls = TlsNotes("TLSv1.3", "TLS_AES_256_GCM_SHA384", "pop3", "localhost", ("pop3",), ("TLSv1.3",))
    first.said(100.0, b"+OK POP3 server ready <1.0@localhost>\r\n", 39)
    first.heard(100.001, "USER ann", 10)
    first.said(100.001, b"+OK name noted, now the password\r\n", 34)
    first.heard(100.25, "pass ****", 19)
    first.said(100.25, b"+OK maildrop has 1 message (120 octets)\r\n", 41)
    first.user = "ann"
    first.heard(101.0, b"RETR 1", 8)
    first.said(101.0, b"+OK 120 octets\r\n", 139)
    first.retrieved.append("uid-1")
    first.heard(101.5, r"NOOP\t", 7)
    first.happened(101.5, "the client broke C-1939-3.2")
    first.said(101.5, b"-ERR unknown command\r\n", 22)
    first.heard(1100.0, b"QUIT", 6)
    first.deleted.append("uid-1")
    first.said(1100.0, b"+OK signing off\r\n", 17)
    first.ended = "quit"
    second = transcript.begin(1200.0)
    second.said(1200.5, b"+OK \x1b[2J\xff\r\n", 11)
    second.heard(1201.0, b"CAPA", 6)
    return transcript


def test_sessions_are_numbered_in_the_order_in_which_they_began(transcript: Transcript) -> None:
    """From 1."""
    assert [session.number for session in transcript.sessions] == [1, 2]
    assert [session.started for session in transcript.sessions] == [100.0, 1200.0]
    assert transcript.last_session is transcript.sessions[1]
    assert transcript.peek() == transcript.sessions


def test_commands_and_keywords_come_session_by_session(transcript: Transcript) -> None:
    """Commands as they were sent, keywords in upper case."""
    assert transcript.commands == ["USER ann", "pass ****", "RETR 1", r"NOOP\t", "QUIT", "CAPA"]
    assert transcript.keywords == ["USER", "PASS", "RETR", r"NOOP\T", "QUIT", "CAPA"]
    assert transcript.last_session.commands == transcript.last_session.keywords == ["CAPA"]


@pytest.mark.parametrize(("keyword", "sent"), [("PASS", True), ("retr", True), ("DELE", False), ("RET", False)])
def test_it_knows_whether_a_keyword_was_ever_sent(transcript: Transcript, keyword: str, *, sent: bool) -> None:
    """In any session; upper and lower case are the same."""
    assert transcript.ever(keyword) is sent


def test_entries_tell_everything_in_order(transcript: Transcript) -> None:
    """Time, who, what, and how many octets it had."""
    entries = transcript.sessions[0].entries
    assert entries[0] == Entry(100.0, "S", "+OK POP3 server ready <1.0@localhost>", 39)
    assert entries[5] == Entry(101.0, "C", "RETR 1", 8)
    assert entries[6] == Entry(101.0, "S", "+OK 120 octets", 139)
    assert entries[8] == Entry(101.5, "-", "the client broke C-1939-3.2", 0)
    assert "".join(entry.kind for entry in entries) == "SCSCSCSC-SCS"


def test_people_read_a_heading_and_a_line_for_each_entry(transcript: Transcript) -> None:
    """Times from the beginning of the session; the octets of a reply where its first line is not all of it."""
    assert transcript.render() == (
        "session 1: ann, TLSv1.3 TLS_AES_256_GCM_SHA384 alpn=pop3, ended: quit\n"
        "    0.000 S  +OK POP3 server ready <1.0@localhost>\n"
        "    0.001 C  USER ann\n"
        "    0.001 S  +OK name noted, now the password\n"
        "    0.250 C  pass ****\n"
        "    0.250 S  +OK maildrop has 1 message (120 octets)\n"
        "    1.000 C  RETR 1\n"
        "    1.000 S  +OK 120 octets   [139 octets]\n"
        "    1.500 C  NOOP\\t\n"
        "    1.500 -  the client broke C-1939-3.2\n"
        "    1.500 S  -ERR unknown command\n"
        " 1000.000 C  QUIT\n"
        " 1000.000 S  +OK signing off\n"
        "session 2: nobody logged in, no TLS, open\n"
        "    0.500 S  +OK \\x1b[2J\\xff\n"
        "    1.000 C  CAPA"
    )
    assert transcript.render(["pop3"]) == transcript.render(("pop3",)) == transcript.render()


@pytest.mark.parametrize(
    ("notes", "text"),
    [
        (TlsNotes(), "no TLS"),
        (TlsNotes(offered_versions=("TLSv1.1",), error="UNSUPPORTED_PROTOCOL"), "no TLS: UNSUPPORTED_PROTOCOL"),
        (TlsNotes("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"), "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384"),
        (
            TlsNotes("TLSv1.3", "TLS_AES_256_GCM_SHA384", client_certificate="ann\n"),
            r"TLSv1.3 TLS_AES_256_GCM_SHA384 client certificate 'ann\n'",
        ),
    ],
)
def test_tls_is_told_in_one_phrase(notes: TlsNotes, text: str) -> None:
    """What people look for."""
    assert str(notes) == text


def test_a_session_is_shown_in_short(transcript: Transcript) -> None:
    """For assertions that fail."""
    assert repr(transcript) == "<Transcript: 2 sessions>"
    assert [repr(session) for session in transcript.peek()] == [
        "<Session 1: ann, 5 commands, ended: quit>",
        "<Session 2: nobody, 1 command, open>",
    ]


def test_where_nobody_connected_there_is_nothing() -> None:
    """No session, no line, and no last session to ask for."""
    transcript = Transcript()
    assert (transcript.sessions, transcript.commands, transcript.keywords, transcript.render()) == ((), [], [], "")
    assert not transcript.ever("USER")
    with pytest.raises(UsageError) as caught:
        _ = transcript.last_session
    assert str(caught.value) == "there is no last session: no client has connected"


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (["udp"], "unknown layer 'udp' of the transcript; known are: pop3, tcp, tls"),
        (["pop3", "pop"], "unknown layer 'pop' of the transcript; did you mean 'pop3'?"),
        ([3], "unknown layer 3 of the transcript; known are: pop3, tcp, tls"),
        ("pop3", "layers= is a list, not the text 'pop3'"),
    ],
)
def test_a_layer_that_is_not_there_is_told(transcript: Transcript, layers: Any, text: str) -> None:
    """With the nearest one that is."""
    with pytest.raises(UsageError) as caught:
        transcript.render(layers)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("reset", "a session cannot be disconnected by 'reset'; did you mean 'rst'?"),
        ("close", "a session cannot be disconnected by 'close'; known are: fin, rst"),
        (None, "a session cannot be disconnected by None; known are: fin, rst"),
    ],
)
def test_a_session_is_disconnected_by_fin_or_rst(transcript: Transcript, how: Any, text: str) -> None:
    """Nothing else; told also where it would do nothing."""
    for session in transcript.sessions:
        with pytest.raises(UsageError) as caught:
            session.disconnect(how)
        assert str(caught.value) == text


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_only_an_open_session_is_disconnected(transcript: Transcript, how: Literal["fin", "rst"]) -> None:
    """By whoever carries it; one that nobody carries stays as it is."""
    asked: list[str] = []
    ended, still_open = transcript.sessions
    ended.disconnector = still_open.disconnector = asked.append
    ended.disconnect(how)
    assert asked == []
    still_open.disconnect(how)
    assert asked == [how]
    Session(3, started=0.0).disconnect(how)


def test_reading_waits_until_the_server_has_done_what_it_was_asked() -> None:
    """All queries but those that say otherwise."""
    settled: list[str] = []
    watched = Transcript(lambda: settled.append("settled"))
    watched.begin(0.0)
    for query in (
        lambda: watched.sessions,
        lambda: watched.last_session,
        lambda: watched.commands,
        lambda: watched.keywords,
        lambda: watched.ever("USER"),
        watched.render,
    ):
        settled.clear()
        query()
        assert settled == ["settled"]
    settled.clear()
    _ = watched.peek(), repr(watched), watched.peek()[0].commands, watched.peek()[0].lines()
    assert settled == []


def test_whoever_watches_is_woken_by_each_command() -> None:
    """As it is noted, before it is answered."""
    session = Session(1, started=0.0)
    seen: list[list[str]] = []
    session.watch = lambda: seen.append(session.commands)
    session.heard(0.0, "USER ann", 10)
    session.said(0.0, b"+OK\r\n", 5)
    session.heard(0.0, b"CAPA", 6)
    assert seen == [["USER ann"], ["USER ann", "CAPA"]]


def test_a_cleared_transcript_begins_anew(transcript: Transcript) -> None:
    """A session that is open goes on unseen."""
    unseen = transcript.last_session
    transcript.clear()
    unseen.heard(1300.0, "QUIT", 6)
    assert transcript.render() == ""
    assert transcript.commands == []


def test_a_query_gives_a_list_of_ones_own(transcript: Transcript) -> None:
    """Changing it changes nothing."""
    transcript.commands.clear()
    transcript.last_session.commands.clear()
    transcript.last_session.entries.clear()
    assert transcript.last_session.commands == ["CAPA"]
