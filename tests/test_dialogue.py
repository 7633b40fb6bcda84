"""Written conversations by themselves: how they are read, what matches, and what their failures say."""

from __future__ import annotations

import pytest

from pop3s_fake import UsageError
from pop3s_fake.dialogue import Dialogue, Dialogues

LINES = (
    "S: +OK ready",
    "C: USER *",
    "S: +OK",
    "C: STAT",
    "S: +OK 0 0",
    "C: LIST",
    "S: +OK",
    "S: .",
    "C: QUIT",
    "S: +OK",
)


def followed(*said: str, lines: tuple[str, ...] = LINES) -> Dialogue:
    """A dialogue whose client says this."""
    dialogue = Dialogue(lines, where="test_sync.py:41")
    dialogue.begin(session=1)
    dialogue.says()
    for line in said:
        if dialogue.hears(line):
            dialogue.says()
    return dialogue


def text(dialogue: Dialogue) -> str:
    """What is wrong with it."""
    problem = dialogue.unmet()
    assert problem is not None
    return str(problem)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ((), "a dialogue has lines, such as 'S: +OK ready', 'C: QUIT', 'S: +OK'"),
        (
            ("C: QUIT",),
            (
                "line 1 of the dialogue, 'C: QUIT': the server speaks first (RFC 1939 section 4): "
                "begin with 'S: +OK ready'"
            ),
        ),
        (
            ("S: +OK", "QUIT"),
            "line 2 of the dialogue, 'QUIT': it begins with 'S: ' for the server or 'C: ' for the client",
        ),
        (("S: +OK", "c: QUIT"), "line 2 of the dialogue, 'c: QUIT': did you mean 'C: QUIT'?"),
        (("S:+OK",), "line 1 of the dialogue, 'S:+OK': did you mean 'S: +OK'?"),
        ((" S : +OK",), "line 1 of the dialogue, ' S : +OK': did you mean 'S: +OK'?"),
        (
            ("S: +OK", "C:"),
            "line 2 of the dialogue, 'C:': the client says something, such as 'C: QUIT', or 'C: *' for anything",
        ),
        (
            ("S: +OK\r\nC: QUIT",),
            (
                r"line 1 of the dialogue, 'S: +OK\r\nC: QUIT': it has a line end in it: CRLF is added, so write "
                "each line by itself"
            ),
        ),
        (("S: +OK", 5), "line 2 of the dialogue, 5: a line is a text such as 'S: +OK ready' or 'C: QUIT'"),
    ],
)
def test_a_line_that_is_none_is_named(lines: tuple[str, ...], sentence: str) -> None:
    """With its number, and with what would be right."""
    with pytest.raises(UsageError) as caught:
        Dialogue(lines)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("written", "octets"),
    [
        ("S: +OK ready", b"+OK ready\r\n"),
        ("S: +OK ready\r\n", b"+OK ready\r\n"),
        ("S: +OK ready\n", b"+OK ready\r\n"),
        ("S: ", b"\r\n"),
        ("S:", b"\r\n"),
        ("S:  two", b" two\r\n"),
        ("S: gr\u00fcezi", b"gr\xc3\xbcezi\r\n"),
        ("S: \udcff", b"\xff\r\n"),
    ],
)
def test_the_server_says_what_is_written(written: str, octets: bytes) -> None:
    """CRLF is added, text is UTF-8, and any octet can be had as Python's surrogate escapes."""
    assert Dialogue([written]).says() == [octets]


@pytest.mark.parametrize(
    ("pattern", "said", "right"),
    [
        ("QUIT", b"QUIT", True),
        ("QUIT", b"quit", True),
        ("QUIT", b"QUIT ", False),
        ("QUIT", b"QUI", False),
        ("USER ann", b"user ann", True),
        ("USER ann", b"USER Ann", False),
        ("USER *", b"USER ann", True),
        ("USER *", b"USER ", True),
        ("USER *", b"USER", False),
        ("*", b"USER ann", True),
        ("*", b"", True),
        ("RETR ?", b"RETR 1", True),
        ("RETR ?", b"RETR 12", False),
        ("?ETR 1", b"retr 1", True),
        ("RETR [12]", b"RETR 1", False),
        ("RETR [12]", b"RETR [12]", True),
        ("X.Y", b"XaY", False),
        ("PASS \u00fc?", b"PASS \xc3\xbc\xff", True),
        ("X *", b"X a\nb", True),
    ],
)
def test_a_client_must_match_the_pattern(pattern: str, said: bytes, right: bool) -> None:  # noqa: FBT001
    """``*`` is any text, ``?`` one character, nothing else means anything; case counts behind the keyword only."""
    dialogue = Dialogue(["S: +OK", f"C: {pattern}", "S: +OK"])
    dialogue.says()

    assert dialogue.hears(said) is right
    assert dialogue.over is not right


def test_a_dialogue_that_was_followed_to_its_end_is_right() -> None:
    """The last line may be either side's."""
    assert followed("USER ann", "STAT", "LIST", "QUIT").unmet() is None
    assert followed("QUIT", lines=("S: +OK", "C: QUIT")).unmet() is None
    assert followed(lines=("S: -ERR go away",)).unmet() is None


def test_a_dialogue_that_was_never_begun_tells_what_it_awaited() -> None:
    """The client's first line, or the server's where the client has none."""
    assert text(Dialogue(LINES, where="test_sync.py:41")) == (
        "dialogue (test_sync.py:41) was never begun: no connection came for it\n"
        "  line 2 would have awaited C: USER *\n"
        "  -> let a client connect"
    )
    assert text(Dialogue(["S: -ERR go away"])) == (
        "dialogue was never begun: no connection came for it\n"
        "  line 1 would have been said: S: -ERR go away\n"
        "  -> let a client connect"
    )


def test_a_dialogue_that_was_not_followed_to_its_end_tells_the_next_line() -> None:
    """The one that the client did not say."""
    assert text(followed("USER ann", "STAT")) == (
        "dialogue (test_sync.py:41) was not followed to its end\n"
        "  session 1 came to where line 6 awaits C: LIST\n"
        "  -> let the client go on, or end the dialogue before that line"
    )


@pytest.mark.parametrize(
    ("said", "tail"),
    [
        (
            ("USER ann", "NOOP"),
            (
                "left at line 4\n  C: STAT was awaited; session 1 said NOOP\n"
                "  -> let the client say what line 4 awaits, or write C: NOOP there"
            ),
        ),
        (
            ("USER ann", "LIST"),
            "left at line 4\n  C: STAT was awaited; session 1 said LIST\n  -> line 6 would have matched: C: LIST",
        ),
        (
            ("USER ann", "STAT", "USER bob"),
            "left at line 6\n  C: LIST was awaited; session 1 said USER bob\n  -> line 2 would have matched: C: USER *",
        ),
        (
            ("",),
            (
                "left at line 2\n  C: USER * was awaited; session 1 said nothing\n"
                "  -> let the client say what line 2 awaits, or write C: * there"
            ),
        ),
        (
            ("X" * 101,),
            (
                f"left at line 2\n  C: USER * was awaited; session 1 said {'X' * 100} ...\n"
                "  -> let the client say what line 2 awaits, or write C: * there"
            ),
        ),
    ],
)
def test_a_client_that_says_something_else_is_shown_the_nearest_line(said: tuple[str, ...], tail: str) -> None:
    """Place, what was awaited, what came, and where it would have been right."""
    assert text(followed(*said)) == f"dialogue (test_sync.py:41) was {tail}"


def test_of_two_lines_as_near_the_later_one_is_shown() -> None:
    """A client that skips a step is likelier than one that goes back."""
    lines = ("S: +OK", "C: A 1", "S: +OK", "C: B", "S: +OK", "C: A ?", "S: +OK")

    assert "line 6 would have matched: C: A ?" in text(followed("A 1", "A 1", lines=lines))


def test_what_is_shown_of_the_client_is_masked_by_whoever_knows_its_secrets() -> None:
    """Patterns and what came, both."""
    dialogue = Dialogue(["S: +OK", "C: PASS sesame"], shown=lambda line: line.replace("sesame", "****"))
    dialogue.begin(session=3)
    dialogue.says()
    dialogue.hears("X sesame")

    assert text(dialogue) == (
        "dialogue was left at line 2\n"
        "  C: PASS **** was awaited; session 3 said X ****\n"
        "  -> let the client say what line 2 awaits, or write C: X **** there"
    )


def test_several_wait_for_a_connection_each() -> None:
    """In the order in which they were written; judged in that order, and once."""
    dialogues = Dialogues()
    assert dialogues.take(1) is None
    for number in range(3):
        dialogues.add(Dialogue([f"S: -ERR {number}"], where=f"test_sync.py:{number}"))
    assert len(dialogues) == 3

    first, second = dialogues.take(1), dialogues.take(2)
    assert first is not None
    assert second is not None
    assert (first.says(), second.says()) == ([b"-ERR 0\r\n"], [b"-ERR 1\r\n"])
    assert [str(problem).splitlines()[0] for problem in dialogues.judge()] == [
        "dialogue (test_sync.py:2) was never begun: no connection came for it"
    ]
    assert dialogues.judge() == []
    assert len(dialogues) == 1


def test_what_is_withdrawn_is_judged_and_what_is_cleared_is_not() -> None:
    """Neither is followed."""
    dialogues = Dialogues()
    dialogues.add(Dialogue(["S: -ERR"]))
    dialogues.withdraw()
    assert dialogues.take(1) is None
    assert len(dialogues.judge()) == 1
    dialogues.add(Dialogue(["S: -ERR"]))
    dialogues.clear()
    assert dialogues.take(1) is None
    assert dialogues.judge() == []
