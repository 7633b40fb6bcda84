"""A dialect in a running server: what a client sees of it, what it combines with, and what is an error."""

from __future__ import annotations

import poplib
from typing import TYPE_CHECKING, Any, Self

import pytest

from pop3s_fake import Account, Dialect, Maildrop, ManualClock, Pop3sServer, Tls, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOUND = 30.0  # seconds of real time after which a client gives up; costs only a test that fails


class Client(poplib.POP3_SSL):
    """A client that closes its socket however it ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def told(self, line: str) -> bytes:
        """The first line of the answer, whatever it is."""
        try:
            return self._shortcmd(line)  # type: ignore[attr-defined,no-any-return]  # poplib's own way
        except poplib.error_proto as refusal:
            said: bytes = refusal.args[0]
            return said


def client_of(server: Pop3sServer) -> Client:
    """A client that has connected and been greeted."""
    return Client(server.host, server.port, context=server.client_context(), timeout=BOUND)


def logged_in(server: Pop3sServer) -> Client:
    """A client that has logged in."""
    client = client_of(server)
    assert client.told(f"USER {server.login.user}").startswith(b"+OK")
    assert client.told(f"PASS {server.login.password}").startswith(b"+OK")
    return client


@pytest.fixture
def clock() -> ManualClock:
    """Time that costs nothing."""
    return ManualClock()


@pytest.fixture
def dovecot(clock: ManualClock) -> Iterator[Pop3sServer]:
    """A server that speaks as Dovecot does."""
    with Pop3sServer(dialect="dovecot", clock=clock) as server:
        yield server


def test_the_words_are_those_of_the_dialect(dovecot: Pop3sServer) -> None:
    """From the greeting to the end; the transcript says whose they are."""
    dovecot.maildrop.add("Subject: one\n\nhello\n")
    with logged_in(dovecot) as client:
        assert client.welcome == b"+OK Dovecot (Debian) ready."
        assert client.told("FOO bar") == b"-ERR Unknown command: FOO"
        assert client.list()[0] == b"+OK 1 messages:"
        assert client.told("DELE 1") == b"+OK Marked to be deleted."
        assert client.quit() == b"+OK Logging out, messages deleted."
    assert dovecot.transcript.heading == "dialect dovecot"


def test_a_refused_login_takes_its_time(dovecot: Pop3sServer, clock: ManualClock) -> None:
    """Two seconds, then four more, on the server's clock; a good login behind them waits for eight."""
    with client_of(dovecot) as client:
        for since in (0.0, 2.0):
            assert clock.now() == since
            client.told("USER test")
            assert client.told("PASS guess") == b"-ERR [AUTH] Authentication failed."
        assert clock.now() == 8.0
        client.told("USER test")
        assert client.told(f"PASS {dovecot.login.password}") == b"+OK Logged in."
        assert clock.now() == 16.0
        client.quit()


def test_bad_commands_end_the_connection(dovecot: Pop3sServer) -> None:
    """The third in a row, behind two lines; a good one between them counts them anew."""
    with client_of(dovecot) as client:
        said = [client.told(line) for line in ("FOO", "STAT", "USER ann", "FOO", "FOO", "FOO")]
        assert said[-1] == b"-ERR Unknown command."
        assert client._getline()[0] == b"-ERR Too many invalid bad commands."  # type: ignore[attr-defined]
        with pytest.raises(poplib.error_proto, match="EOF"):
            client._getline()  # type: ignore[attr-defined]
    assert dovecot.transcript.sessions[0].ended == "server"


def test_silence_ends_with_a_word(dovecot: Pop3sServer, clock: ManualClock) -> None:
    """Three minutes before the login, ten behind it."""
    with client_of(dovecot) as early, logged_in(dovecot) as late:
        clock.advance(180)
        assert early._getline()[0] == b"-ERR Disconnected for inactivity."  # type: ignore[attr-defined]
        assert late.told("NOOP") == b"+OK"
        clock.advance(600)
        assert late._getline()[0] == b"-ERR Disconnected for inactivity."  # type: ignore[attr-defined]
    assert {session.ended for session in dovecot.transcript.sessions} == {"autologout"}


def test_sizes_and_unique_ids_are_the_dialects_unless_they_were_given() -> None:
    """Also for mail that was there before the server was made, and for what comes later."""
    maildrop = Maildrop()
    maildrop.add("Subject: early\n\nno end")
    maildrop.add_one("Subject: named\n\nno end", uid="mine", octets=7)
    with Pop3sServer(dialect="dovecot", accounts=[Account("ann", "not-a-secret", maildrop=maildrop)], seed=1) as server:
        server.maildrop.add("Subject: late\n\nno end")
        with logged_in(server) as client:
            uids = [line.split()[1].decode() for line in client.uidl()[1]]
            assert uids == server.maildrop.uids
            assert (uids[0][:8], uids[1], uids[2][:8]) == ("00000001", "mine", "00000003")
            assert uids[0][8:] == uids[2][8:]
            assert client.list()[1] == [b"1 24", b"2 7", b"3 23"]
            assert client.retr(1) == (b"+OK 24 octets", [b"Subject: early", b"", b"no end"], 26)
            client.quit()


def test_an_account_may_serve_twice() -> None:
    """Its mail is kept as the dialect keeps it, and not again by the next server, whose unique-ids are others."""
    account = Account("ann", "not-a-secret")
    account.maildrop.add("Subject: one\n\nhello\n")
    told = []
    for seed in (1, 2):
        with Pop3sServer(dialect="solid-pop3d", accounts=[account], seed=seed) as server, logged_in(server) as client:
            told.append((client.list()[1], client.retr(1)[1]))
            client.quit()
    assert told == [([b"1 25"], [b"Subject: one", b"", b"hello", b""])] * 2


def test_a_line_that_ends_in_lf_is_read_and_the_clients_mistake_all_the_same(clock: ManualClock) -> None:
    """The server is lenient; the specification is not (RFC 1939 section 3)."""
    server = Pop3sServer(dialect="dovecot", clock=clock, strict=False)
    with server, client_of(server) as client:
        client.sock.sendall(b"CAPA\n")
        assert client._getresp() == b"+OK"  # type: ignore[attr-defined]
    assert "C-1939-3" in server.transcript.render()


def test_capabilities_and_quirks_change_a_dialect(clock: ManualClock) -> None:
    """What is not listed any more is not done."""
    server = Pop3sServer(dialect="dovecot", capabilities=["-UIDL", "+X-ODD"], quirks=["terminator-split"], clock=clock)
    with server, logged_in(server) as client:
        assert list(client.capa()) == ["CAPA", "TOP", "RESP-CODES", "PIPELINING", "AUTH-RESP-CODE", "X-ODD"]
        assert client.told("UIDL") == b"-ERR Unknown command: UIDL"
        client.quit()
    assert server.transcript.heading == "dialect dovecot; quirk terminator-split"


def test_two_sessions_may_have_one_maildrop(dovecot: Pop3sServer) -> None:
    """And RETR tells of what the other one has removed."""
    dovecot.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
    with logged_in(dovecot) as first, logged_in(dovecot) as second:
        first.dele(1)
        first.quit()
        assert second.told("RETR 1") == b"-ERR Message 1 expunged."
        assert second.told("STAT") == b"+OK 2 32"
        second.quit()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'sumary = "x"\nbefore.line = "long"\nreading.nul = "end"\n',
            (
                "{path}: required field missing @ $['own'].summary; "
                "expected one of 'part', 'ends', 'refused', 'hides', not 'end' @ $['own'].reading.nul; "
                "expected a whole number, not 'long' @ $['own'].before.line; "
                "extra fields found (sumary) @ $['own']"
            ),
        ),
        (
            'summary = "x"\nextends = "dovcot"\n',
            "{path}: unknown dialect 'dovcot'; did you mean 'dovecot'? @ $['own'].extends",
        ),
        (
            'summary = "x"\nreplies.STAT.says.ok = "+OK {coutn}"\n',
            "{path}: replies.STAT.says.ok: nothing stands for '{{coutn}}'; did you mean '{{count}}'?",
        ),
        (
            'summary = "x"\nquirks = ["gmail-poped", "terminator-split(latter=2)"]\n',
            (
                "{path}: unknown quirk 'gmail-poped'; did you mean 'gmail-popped'? @ $['own'].quirks[0]; "
                "quirk 'terminator-split' has no parameter 'latter'; did you mean 'later'? @ $['own'].quirks[1]"
            ),
        ),
        (
            'summary = "x"\nquirks = ["capa-err", "capa-hangs"]\n',
            (
                "{path}: quirks 'capa-err' (of dialect 'own') and 'capa-hangs' (of dialect 'own') contradict each "
                "other: one server does not do both; leave one of them out @ $['own'].quirks"
            ),
        ),
        (
            'summary = "x"\ncapabilities = ["UILD"]\n',
            "{path}: capabilities=: unknown capability 'UILD'; did you mean 'UIDL'? @ $['own'].capabilities",
        ),
        (
            'summary = "x"\nbefore.capabilities = ["UIDL"]\nstorage.expunged = "told"\n',
            (
                "{path}: before.capabilities is for a dialect that names its commands, in before.commands; "
                "`capabilities` says what ours lists; "
                "storage.expunged is for a dialect that names its commands, in before.commands"
            ),
        ),
        (
            'summary = "x"\nid = "dovecot"\nsource = "recorded"\nafter = 5\n',
            (
                "{path}: expected a table, not 5 @ $['own'].after; "
                "the id of a dialect is the name of its file, and does not stand in it @ $['own'].id; "
                "only dialects that come with the package are 'recorded', a file is 'own' @ $['own'].source"
            ),
        ),
        (
            'summary = "x"\nextends = "gmail"\nsource = "documented"\n',
            "{path}: only dialects that come with the package are 'documented', a file is 'own' @ $['own'].source",
        ),
        (
            'summary = "x"\nsource = ["own"]\n',
            "{path}: expected one of 'recorded', 'documented', 'own', not ['own'] @ $['own'].source",
        ),
        (
            'summary = "x"\nsource = "mine"\n',
            "{path}: expected one of 'recorded', 'documented', 'own', not 'mine' @ $['own'].source",
        ),
        (
            'summary = "x"\nversions = "9.9"\n',
            "{path}: unknown TLS versions '9.9'; known are: 1.0, 1.1, 1.2, 1.3 @ $['own'].versions",
        ),
        ("summary = \n", "{path}: this is no TOML: Invalid value (at line 1, column 11)"),
    ],
)
def test_a_file_that_cannot_be_is_told_with_every_mistake(tmp_path: Path, text: str, sentence: str) -> None:
    """Each with the path of its key and what would be right."""
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError) as caught:
        Dialect.from_file(path)

    assert sorted(str(caught.value).split("; ")) == sorted(sentence.format(path=path).split("; "))


def test_a_file_may_bring_quirks_and_capabilities(tmp_path: Path) -> None:
    """On top of those of the dialect that it extends; what that is made of, it is not."""
    path = tmp_path / "ours.toml"
    path.write_text(
        'summary = "ours"\nextends = "gmail"\ncapabilities = ["-UIDL"]\n'
        'quirks = ["gmail-batches(size=1)", "-gmail-scope", "terminator-split"]\nafter.idle = 60\n',
        encoding="utf-8",
    )
    ours = Dialect.from_file(path)
    clock = ManualClock(auto=True)
    with Pop3sServer(dialect=ours, clock=clock) as server:
        assert (ours.source, ours.made_of) == ("own", "your own")
        assert server.quirks[-2:] == ("gmail-batches(size=1)", "terminator-split")
        assert "gmail-scope" not in server.quirks
        server.maildrop.add("Subject: one\n\n", "Subject: two\n\n")
        with logged_in(server) as client:
            assert client.welcome.startswith(b"+OK Gpop ready")
            assert "UIDL" not in client.capa()
            assert client.stat() == (1, 16)
            clock.advance(60)
            with pytest.raises(poplib.error_proto, match="EOF"):
                client._getline()  # type: ignore[attr-defined]
    assert server.transcript.heading.startswith("dialect ours; quirks capa-differs-after-auth")


def test_a_keyword_that_contradicts_a_quirk_of_the_dialect_says_how_that_is_taken_away() -> None:
    """Or the keyword is left out."""
    with pytest.raises(UsageError) as caught:
        Pop3sServer(dialect="gmail", tls=Tls(versions="1.2"))
    assert str(caught.value) == (
        "quirk 'sni-required' (of dialect 'gmail') is a server with tls=Tls(sni=(('', 'self-signed'),)), which "
        "tls=Tls(versions='1.2') contradicts; leave tls= out, or take the quirk away by '-sni-required'"
    )
    Pop3sServer(dialect="gmail", tls=Tls(versions="1.2"), quirks=["-sni-required"])


def test_a_maildrop_that_is_taken_is_refused_in_the_words_of_the_dialect() -> None:
    """As late as there, and the connection ends; the first session goes on, and whoever comes behind it is let in."""
    clock = ManualClock(auto=False)
    with Pop3sServer(dialect="dovecot-rich", clock=clock) as server:
        server.maildrop.add("Subject: one\n\n")
        with logged_in(server) as first:
            with client_of(server) as second:
                second.told(f"USER {server.login.user}")
                second.sock.sendall(f"PASS {server.login.password}\r\n".encode())
                server.wait_idle(timeout=BOUND)
                clock.advance(12)
                refusal = b"-ERR [IN-USE] Mailbox is locked by another POP3 session.\r\n"
                assert second.file.read() == refusal  # to the end
            assert first.retr(1)[1][0] == b"Subject: one"
            first.quit()
        with logged_in(server) as third:
            third.quit()


def test_a_lock_that_is_asked_for_is_there_whatever_the_dialect_has(clock: ManualClock) -> None:
    """And none where none is asked for."""
    with Pop3sServer(dialect="dovecot", exclusive=True, clock=clock) as server, logged_in(server) as first:
        with client_of(server) as second:
            second.told(f"USER {server.login.user}")
            assert second.told(f"PASS {server.login.password}").startswith(b"-ERR [IN-USE] ")
        first.quit()
    free = Pop3sServer(dialect="dovecot-rich", exclusive=False, clock=clock)
    with free as server, logged_in(server) as first, logged_in(server) as second:
        second.quit()
        first.quit()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(UsageError) as caught:
        Dialect.from_file(tmp_path / "none.toml")

    assert str(caught.value) == f"cannot read the dialect '{tmp_path}/none.toml': No such file or directory"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (None, "Dialect.from_file takes the path of a file, not None"),
        (3, "Dialect.from_file takes the path of a file, not 3"),
        (b"own.toml", "Dialect.from_file takes the path of a file, not b'own.toml'"),
        ("own\0.toml", r"cannot read the dialect 'own\x00.toml': no file has such a name"),
        (".", "cannot read the dialect '.': Is a directory"),
    ],
)
def test_what_is_no_file_is_told(path: Any, sentence: str) -> None:
    """Whatever is handed over."""
    with pytest.raises(UsageError) as caught:
        Dialect.from_file(path)

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("octets", "problem"),
    [(b'summary = "\xff"', "it is not in UTF-8"), ('summary = "x"'.encode("utf-16"), "it is not in UTF-8")],
)
def test_a_file_that_is_not_in_utf8_is_told(tmp_path: Path, octets: bytes, problem: str) -> None:
    """By its name."""
    path = tmp_path / "own.toml"
    path.write_bytes(octets)
    with pytest.raises(UsageError) as caught:
        Dialect.from_file(path)

    assert str(caught.value) == f"cannot read the dialect '{path}': {problem}"


def test_a_file_may_begin_as_some_editors_begin_it(tmp_path: Path) -> None:
    """With a mark of its encoding, and have CRLF behind each line."""
    path = tmp_path / "own.toml"
    path.write_bytes(b'\xef\xbb\xbfsummary = "x"\r\nafter.idle = 60\r\n')
    made = Dialect.from_file(path)
    assert (made.id, made.summary, made.source, made.manner.after.idle) == ("own", "x", "own", 60.0)


@pytest.mark.parametrize("given", ["dovcot", "", "Dovecot"])
def test_an_unknown_dialect_has_its_nearest_name(given: Any) -> None:
    """At the call."""
    with pytest.raises(UsageError, match=f"^unknown dialect '{given}'"):
        Pop3sServer(dialect=given)


@pytest.mark.parametrize("given", ["ours.toml", "./ours", r"drafts\\ours"])
def test_a_file_for_an_id_is_told_how_it_is_read(given: str) -> None:
    """And not which ids are near."""
    with pytest.raises(UsageError) as caught:
        Pop3sServer(dialect=given)
    assert str(caught.value) == f"unknown dialect {given!r}; a file is read by Dialect.from_file"
