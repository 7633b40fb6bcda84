from __future__ import annotations

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.rules import Rule

COMPLAINTS = {
    # the point
    "": "column 1 of ``: a point such as RETR is missing here",
    "-> end rst": "column 1 of `-> end rst`: a point such as RETR belongs here, not '->'",
    "RTER -> end rst": "column 1 of `RTER -> end rst`: unknown point 'RTER'; did you mean 'RETR'?",
    "greting -> end rst": "column 1 of `greting -> end rst`: unknown point 'greting'; did you mean 'greeting'?",
    "RETR,TPO -> end rst": "column 6 of `RETR,TPO -> end rst`: unknown point 'TPO'; did you mean 'TOP'?",
    "RETR,RETR -> end rst": "column 6 of `RETR,RETR -> end rst`: RETR stands twice in the list",
    "RETR,close -> end rst": "column 6 of `RETR,close -> end rst`: a list is made of keywords, close stands alone",
    "*,RETR -> end rst": "column 3 of `*,RETR -> end rst`: a list is made of keywords, * stands alone",
    # occurrence and argument
    "RETR#0 -> end rst": "column 5 of `RETR#0 -> end rst`: occurrences count from 1, so there is no #0",
    "RETR#x -> end rst": "column 5 of `RETR#x -> end rst`: the number of the occurrence, as in #2, "
    "belongs here, not 'x'",
    "greeting#2 -> end rst": "column 9 of `greeting#2 -> end rst`: greeting comes once in a connection, "
    "so there is no #2",
    "RETR(3 -> end rst": "column 5 of `RETR(3 -> end rst`: the closing ) of this argument is missing",
    'RETR("3 -> end rst': 'column 6 of `RETR("3 -> end rst`: the closing quote of this text is missing',
    "greeting(3) -> end rst": "column 9 of `greeting(3) -> end rst`: greeting is no command, so it has no argument",
    "accept(3) -> end rst": "column 7 of `accept(3) -> end rst`: accept is no command, so it has no argument",
    "close(3) -> end rst": "column 6 of `close(3) -> end rst`: close is no command, so it has no argument",
    # offset
    "RETR@ned -> end rst": "column 5 of `RETR@ned -> end rst`: unknown offset '@ned'; did you mean '@end'?",
    "RETR@x7 -> end rst": "column 5 of `RETR@x7 -> end rst`: unknown offset '@x7'; an offset is "
    "@512, @body:512, @-3, @50%, @L4, @end, @tls:512 or @tcp:512",
    "RETR@bdoy:5 -> end rst": "column 5 of `RETR@bdoy:5 -> end rst`: unknown offset '@bdoy:5'; did you mean '@body:5'?",
    "RETR@tls:50% -> end rst": "column 5 of `RETR@tls:50% -> end rst`: unknown offset '@tls:50%'; an offset is "
    "@512, @body:512, @-3, @50%, @L4, @end, @tls:512 or @tcp:512",
    "RETR@body:-5 -> end rst": "column 5 of `RETR@body:-5 -> end rst`: unknown offset '@body:-5'; an offset is "
    "@512, @body:512, @-3, @50%, @L4, @end, @tls:512 or @tcp:512",
    "RETR@-0 -> end rst": "column 5 of `RETR@-0 -> end rst`: @-0 counts from 1",
    "RETR@L0 -> end rst": "column 5 of `RETR@L0 -> end rst`: @L0 counts from 1",
    "RETR@101% -> end rst": "column 5 of `RETR@101% -> end rst`: @101% is more than the whole reply",
    "accept@5 -> end rst": "column 7 of `accept@5 -> end rst`: accept has no reply, so there is no @5",
    "close@5 -> end rst": "column 6 of `close@5 -> end rst`: close has no reply, so there is no @5",
    "handshake@5 -> end rst": "column 10 of `handshake@5 -> end rst`: handshake has TLS octets only: "
    "an offset is @tls:512 or @tcp:512 there",
    "STAT@body:3 -> end rst": "column 5 of `STAT@body:3 -> end rst`: STAT has single-line replies only, "
    "so there is no @body:3",
    "LIST(2)@body:3 -> end rst": "column 8 of `LIST(2)@body:3 -> end rst`: LIST has single-line replies only, "
    "so there is no @body:3",
    "USER,PASS@L2 -> end rst": "column 10 of `USER,PASS@L2 -> end rst`: USER or PASS has single-line replies only, "
    "so there is no @L2",
    "greeting@body:0 -> end rst": "column 9 of `greeting@body:0 -> end rst`: greeting has single-line replies only, "
    "so there is no @body:0",
    # phase
    "RETR!befor -> end rst": "column 5 of `RETR!befor -> end rst`: unknown phase '!befor'; did you mean '!before'?",
    "RETR@512!before -> end rst": "column 9 of `RETR@512!before -> end rst`: @512 and !before contradict each other: "
    "an offset lies in the reply",
    "close!after -> end rst": "column 6 of `close!after -> end rst`: close has no reply, so there is no !after",
    # filters
    "RETR sesion=2 -> end rst": "column 6 of `RETR sesion=2 -> end rst`: unknown filter 'sesion'; "
    "did you mean 'session'?",
    "RETR session=0 -> end rst": "column 6 of `RETR session=0 -> end rst`: session takes 2, 2.. or 2..5, "
    "counted from 1",
    "RETR session=5..2 -> end rst": "column 6 of `RETR session=5..2 -> end rst`: session takes 2, 2.. or 2..5, "
    "counted from 1",
    "RETR session=x -> end rst": "column 6 of `RETR session=x -> end rst`: session takes 2, 2.. or 2..5, not 'x'",
    "RETR tls=maybe -> end rst": "column 6 of `RETR tls=maybe -> end rst`: tls takes yes or no, not 'maybe'",
    "RETR answer=no -> end rst": "column 6 of `RETR answer=no -> end rst`: answer takes ok, err or a "
    "response code such as IN-USE, not 'no'",
    "hello parted=no -> end rst": "column 7 of `hello parted=no -> end rst`: hello is no command, so it does not come "
    "in pieces",
    "RETR ahead=1 -> end rst": "column 6 of `RETR ahead=1 -> end rst`: ahead takes yes or no, not '1'",
    "close ahead=yes -> end rst": "column 7 of `close ahead=yes -> end rst`: close is no command, so no command was "
    "sent behind it",
    "PASS!before answer=err -> end rst": "column 13 of `PASS!before answer=err -> end rst`: no command has been "
    "answered at PASS!before, so answer= never holds",
    "greeting answer=ok -> end rst": "column 10 of `greeting answer=ok -> end rst`: no command has been answered at "
    "greeting, so answer= never holds",
    "CAPA tls=no -> pace size=1 layer=tls": (
        "column 28 of `CAPA tls=no -> pace size=1 layer=tls`: "
        "tls=no and pace layer=tls contradict each other: without TLS nothing is sealed"
    ),
    "CAPA tls=no -> tls request-client-cert": (
        "column 16 of `CAPA tls=no -> tls request-client-cert`: "
        "tls=no and tls contradict each other: in clear there is no TLS in which to say it"
    ),
    "CAPA tls=no -> end half-tls": (
        "column 16 of `CAPA tls=no -> end half-tls`: "
        "tls=no and end half-tls contradict each other: in clear there is no TLS to close"
    ),
    "RETR tls=no tls=no -> end rst": "column 13 of `RETR tls=no tls=no -> end rst`: tls stands twice",
    "RETR user= -> end rst": "column 6 of `RETR user= -> end rst`: a value is missing behind user",
    "greeting user=ann -> end rst": "column 10 of `greeting user=ann -> end rst`: nobody is logged in at greeting, "
    "so user= never holds",
    # actions
    "RETR end rst": "column 6 of `RETR end rst`: '->' or a filter such as session=2.. belongs here, not 'end'",
    "RETR ->": "column 8 of `RETR ->`: an action such as wait is missing here",
    "RETR -> wiat 1": "column 9 of `RETR -> wiat 1`: unknown action 'wiat'; did you mean 'wait'?",
    "RETR -> wait": "column 9 of `RETR -> wait`: wait is not complete: wait seconds",
    "RETR -> wait soon": "column 14 of `RETR -> wait soon`: wait takes seconds such as 0.2, a range such as "
    "0.5..1.5, or forever, not 'soon'",
    "RETR -> wait 2..1": "column 14 of `RETR -> wait 2..1`: wait takes 0.5..1.5, the shorter time first",
    "RETR -> wait 1 2": "column 16 of `RETR -> wait 1 2`: wait takes no '2': wait takes one value",
    "RETR -> pace": "column 9 of `RETR -> pace`: pace takes size= (and gap=), or rate=",
    "RETR -> pace size=1 rate=2": "column 9 of `RETR -> pace size=1 rate=2`: pace takes size= (and gap=), or rate=",
    "RETR -> pace gap=1": "column 9 of `RETR -> pace gap=1`: pace takes size= (and gap=), or rate=",
    "RETR -> pace siez=1": "column 14 of `RETR -> pace siez=1`: pace takes no siez=; did you mean 'size='?",
    "RETR -> pace size=0": "column 14 of `RETR -> pace size=0`: size takes a whole number from 1, not 0",
    "RETR -> pace size=x": "column 14 of `RETR -> pace size=x`: size takes a whole number, not 'x'",
    "RETR -> pace size=1 gap=0": "column 21 of `RETR -> pace size=1 gap=0`: gap takes a number above 0, not 0",
    "RETR -> pace rate=0": "column 14 of `RETR -> pace rate=0`: rate takes a number above 0, not 0",
    "RETR -> pace rate=x": "column 14 of `RETR -> pace rate=x`: rate takes a number, not 'x'",
    "RETR -> pace size=1 layer=tsl": "column 21 of `RETR -> pace size=1 layer=tsl`: unknown layer 'tsl'; "
    "did you mean 'tls'?",
    "RETR -> pace size=1 size=2": "column 21 of `RETR -> pace size=1 size=2`: size stands twice",
    "RETR -> reply +OK": "column 15 of `RETR -> reply +OK`: reply takes a quoted text such as \"+OK\\r\\n\", not '+OK'",
    'RETR -> reply "+OK': 'column 15 of `RETR -> reply "+OK`: the closing quote of this text is missing',
    r'RETR -> reply "a\q"': r'column 17 of `RETR -> reply "a\q"`: unknown escape '
    r"""'\q'; known are: \r \n \t \0 \xHH \" \\""",
    'RETR -> reply "+OK" kep': "column 21 of `RETR -> reply \"+OK\" kep`: reply takes no 'kep'; did you mean 'keep'?",
    r'RETR -> reply "+OK\r\nx" keep': r'column 26 of `RETR -> reply "+OK\r\nx" keep`: keep takes the place of the '
    "first line, so its text is one line",
    "RETR -> edit": "column 9 of `RETR -> edit`: edit is not complete: "
    "edit drop|dup|flip|truncate|no-terminator|unstuff|bare-lf|bare-cr|swap",
    "RETR -> edit drip": "column 14 of `RETR -> edit drip`: unknown edit 'drip'; did you mean 'drop'?",
    "RETR -> edit drop 0": "column 19 of `RETR -> edit drop 0`: count takes a whole number from 1, not 0",
    "RETR -> edit truncate 2": "column 23 of `RETR -> edit truncate 2`: only edit drop, dup, flip take a count of "
    "octets",
    "RETR -> edit <f>": "column 9 of `RETR -> edit <f>`: <f> stands for something of Python's, "
    "so it can be given in Python only",
    'RETR -> send ""': 'column 14 of `RETR -> send ""`: send takes at least one octet',
    'RETR -> flood ""': 'column 15 of `RETR -> flood ""`: flood takes at least one octet',
    'RETR -> flood "abc" octets=2': 'column 21 of `RETR -> flood "abc" octets=2`: octets=2 is less than the unit, '
    "which has 3",
    'RETR -> flood "a" seconds=0': 'column 19 of `RETR -> flood "a" seconds=0`: seconds takes a number above 0, not 0',
    "hello -> tls": "column 10 of `hello -> tls`: tls takes alert=, certificate= or request-client-cert, one of them",
    "hello -> tls alert=unrecognised_name": "column 14 of `hello -> tls alert=unrecognised_name`: "
    "unknown alert 'unrecognised_name'; did you mean 'unrecognized_name'?",
    "hello -> tls alert=256": "column 14 of `hello -> tls alert=256`: alert takes a name or a number up to 255, "
    "not 256",
    "RETR -> end": "column 9 of `RETR -> end`: end is not complete: end clean|fin|rst|half-close|half-tls|half-tcp",
    "RETR -> end half-tlz": "column 13 of `RETR -> end half-tlz`: unknown end 'half-tlz'; did you mean 'half-tls'?",
    "RETR -> end no": "column 13 of `RETR -> end no`: unknown end 'no'; known are: "
    "clean, fin, rst, half-close, half-tls, half-tcp",
    "RETR -> end rst times=1": "column 17 of `RETR -> end rst times=1`: end takes no times=; limits stand behind ';', "
    "as in `; times=1`",
    "RETR -> end rst optional": "column 17 of `RETR -> end rst optional`: end takes no 'optional'; "
    "limits stand behind ';', as in `; optional`",
    "RETR -> pace size=1 p=1": "column 21 of `RETR -> pace size=1 p=1`: pace takes no p=; limits stand behind ';', "
    "as in `; p=1`",
    "RETR -> end rst, times=1": "column 18 of `RETR -> end rst, times=1`: unknown action 'times'; "
    "limits stand behind ';', as in `; times=1`",
    "RETR -> end rts": "column 13 of `RETR -> end rts`: unknown end 'rts'; did you mean 'rst'?",
    "RETR -> mail": "column 9 of `RETR -> mail`: mail takes add=, remove= or renumber-uids, one of them",
    "RETR -> mail add=a remove=b": "column 9 of `RETR -> mail add=a remove=b`: mail takes add=, remove= or "
    "renumber-uids, one of them",
    "RETR -> mail add=<message>": "column 14 of `RETR -> mail add=<message>`: <message> stands for something of "
    "Python's, so it can be given in Python only",
    "RETR -> call <print>": "column 9 of `RETR -> call <print>`: call takes a Python function, so it can be given in "
    "Python only: .call(function)",
    "RETR -> end rst junk": "column 17 of `RETR -> end rst junk`: end takes no 'junk': end takes one value",
    # limits
    "RETR -> end rst; tmes=1": "column 18 of `RETR -> end rst; tmes=1`: unknown limit 'tmes'; did you mean 'times'?",
    "RETR -> end rst;": "column 17 of `RETR -> end rst;`: a limit such as times=1 is missing here",
    "RETR -> end rst; times": "column 18 of `RETR -> end rst; times`: times takes a value: times=1",
    "RETR -> end rst; optional=1": "column 18 of `RETR -> end rst; optional=1`: optional takes no value",
    "RETR -> end rst; times=0": "column 18 of `RETR -> end rst; times=0`: times takes a whole number from 1, not 0",
    "RETR -> end rst; times=1, times=2": "column 27 of `RETR -> end rst; times=1, times=2`: times stands twice",
    "RETR -> end rst; times=1, exactly=2": "column 27 of `RETR -> end rst; times=1, exactly=2`: "
    "times (at most so often) and exactly contradict each other",
    "RETR -> end rst; exactly=1, optional": "column 29 of `RETR -> end rst; exactly=1, optional`: "
    "exactly (has to strike) and optional contradict each other",
    "RETR -> end rst; p=1.5": "column 18 of `RETR -> end rst; p=1.5`: p takes a probability from 0 to 1, not 1.5",
    "RETR -> end rst; expires=0": "column 18 of `RETR -> end rst; expires=0`: expires takes a number above 0, not 0",
    "RETR -> end rst; p=0.5 junk": "column 24 of `RETR -> end rst; p=0.5 junk`: ',' or ';' belongs here, not 'junk'",
    # what can never act
    "RETR!before -> edit drop": "column 16 of `RETR!before -> edit drop`: there is no reply yet in !before, "
    "so there is nothing to edit",
    "RETR!before -> pace size=1": "column 16 of `RETR!before -> pace size=1`: there is no reply yet in !before, "
    "so there is nothing to pace",
    'RETR!after -> reply "+OK"': 'column 15 of `RETR!after -> reply "+OK"`: the reply is over in !after, '
    "so there is nothing to reply",
    "RETR!after -> edit drop": "column 15 of `RETR!after -> edit drop`: the reply is over in !after, "
    "so there is nothing to edit",
    'close -> reply "+OK"': 'column 10 of `close -> reply "+OK"`: close has no reply, so there is nothing to reply',
    'accept -> reply "+OK"': 'column 11 of `accept -> reply "+OK"`: accept has no reply, so there is nothing to reply',
    'accept -> send "x"': 'column 11 of `accept -> send "x"`: nothing can be sealed at accept yet: '
    "send with layer=tcp sends octets as they are",
    "accept -> end clean": "column 11 of `accept -> end clean`: there is no TLS at accept yet: end fin or end rst, "
    "not end clean",
    'hello -> reply "+OK"': 'column 10 of `hello -> reply "+OK"`: a handshake has no reply, '
    "so there is nothing to reply",
    'RETR@5 -> reply "+OK"': 'column 11 of `RETR@5 -> reply "+OK"`: reply takes the place of the whole reply, '
    "so it stands without @5",
    'RETR!before -> reply "+OK" keep': 'column 28 of `RETR!before -> reply "+OK" keep`: keep keeps the payload, '
    "and there is none in !before",
    'STAT -> reply "+OK" keep': 'column 21 of `STAT -> reply "+OK" keep`: keep keeps the payload, '
    "and STAT has single-line replies only",
    "RETR@5 -> edit no-terminator": "column 11 of `RETR@5 -> edit no-terminator`: the terminator has its own place, "
    "so edit no-terminator stands without @5",
    "STAT -> edit no-terminator": "column 9 of `STAT -> edit no-terminator`: STAT has single-line replies only, "
    "so there is nothing to edit no-terminator",
    "UIDL(1) -> edit unstuff": "column 12 of `UIDL(1) -> edit unstuff`: UIDL has single-line replies only, "
    "so there is nothing to edit unstuff",
    "RETR -> wait forever, end rst": "column 23 of `RETR -> wait forever, end rst`: nothing comes after wait forever, "
    "so end never acts",
    "RETR -> end rst, wait 1": "column 18 of `RETR -> end rst, wait 1`: nothing comes after end rst, "
    "so wait never acts",
    'RETR -> end half-close, send "x"': 'column 25 of `RETR -> end half-close, send "x"`: nothing can be sent after '
    "end half-close, so this send never acts",
    "RETR -> end half-close, end half-close": "column 25 of `RETR -> end half-close, end half-close`: nothing can be "
    "sent after end half-close, so this end never acts",
    'RETR -> reply "a", reply "b"': 'column 20 of `RETR -> reply "a", reply "b"`: a second reply takes the place of '
    "the first, which never acts",
    "RETR -> pace size=1, pace size=2": "column 22 of `RETR -> pace size=1, pace size=2`: a second pace takes the "
    "place of the first, which never acts",
}


@pytest.mark.parametrize("text", COMPLAINTS)
def test_a_mistyped_rule_is_refused_with_column_and_nearest_word(text: str) -> None:
    """A UsageError says what is wrong, where, and what would be right."""
    with pytest.raises(UsageError) as caught:
        Rule.parse(text)
    assert str(caught.value) == COMPLAINTS[text]


def test_what_is_no_text_is_no_rule() -> None:
    """The text form is a str."""
    with pytest.raises(UsageError) as caught:
        Rule.parse(5)  # type: ignore[arg-type]  # the mistake this is about
    assert str(caught.value) == "a rule is written as a text such as 'RETR -> end rst', not as 5"


CANONICAL = [
    "accept -> wait 0.5, end rst",
    "hello -> tls alert=handshake_failure",
    "handshake@tcp:200 -> wait forever",
    "handshake -> pace size=1 layer=tls",
    "hello -> tls alert=99",
    "USER -> tls request-client-cert",
    "hello session=2..5 -> tls certificate=expired",
    "stls.hello -> end fin",
    "stls.handshake@tls:3 -> end half-tcp",
    "greeting -> wait forever",
    "* -> wait 0.5..1.5",
    "*#5 -> end rst; p=0.1, optional",
    "RETR,TOP#2@50% -> wait 2, end fin",
    "RETR(3)@body:512 session=2.. user=ann tls=no -> end rst; times=1",
    "PASS!after tls=yes answer=err -> end clean",
    "PASS,APOP answer=SYS/TEMP -> end clean",
    "RETR!after ahead=no answer=ok -> end clean",
    "STLS!before parted=yes -> end clean",
    'LIST() -> reply "-ERR not now"',
    'PASS("a)b") -> reply "-ERR [AUTH] no"',
    "TOP(1 0)@L4 -> edit drop 3",
    "RETR@-3 -> edit flip",
    "RETR@end -> edit bare-lf",
    "RETR -> edit no-terminator, wait forever",
    "RETR -> pace rate=1000",
    "RETR -> pace size=1 gap=0.01",
    'UIDL -> reply "+OK\\r\\n1 ../../x\\r\\n.\\r\\n"',
    'STAT!before -> reply "\\x00\\xff\\"\\\\\\t"'.replace("\\x00", "\\0"),
    'LIST -> reply "+OK 15 messages:" keep',
    'RETR -> send "+OK\\r\\n" layer=tcp',
    'RETR -> flood "x\\r\\n" octets=3000 seconds=0.5',
    "UIDL!before -> mail renumber-uids",
    'STAT!after -> mail add="my mail/a.eml"',
    "close -> mail remove=uid-1",
    "QUIT!before -> end half-close",
    "XTND -> end clean; exactly=2, skip=1, expires=30",
    "RETR",
    "RETR; times=1",
]


@pytest.mark.parametrize("text", CANONICAL)
def test_a_rule_in_canonical_form_is_shown_as_it_was_written(text: str) -> None:
    """Str gives the canonical text, and that text reads as the same rule."""
    rule = Rule.parse(text)
    assert str(rule) == text
    assert Rule.parse(str(rule)) == rule


@pytest.mark.parametrize(
    ("loose", "canonical"),
    [
        ("retr -> end rst", "RETR -> end rst"),
        ("Greeting->end rst", "greeting -> end rst"),
        ("  RETR , TOP -> end rst", None),
        ("RETR, TOP  ->  wait  1.0 ,  end   rst ;times=1 , p=1", "RETR,TOP -> wait 1, end rst; times=1, p=1"),
        ("RETR session=3..3 -> wait 1..1", "RETR session=3 -> wait 1"),
        ('RETR -> reply "+OK\\x0d\\n"', 'RETR -> reply "+OK"'),
        ("hello -> tls alert=40", "hello -> tls alert=handshake_failure"),
        ('RETR -> flood "x" octets=67108864 seconds=10', 'RETR -> flood "x"'),
        ("RETR -> edit drop 1 layer=pop3", "RETR -> edit drop"),
        ('RETR user="ann" -> end rst', "RETR user=ann -> end rst"),
        ("RETR -> wait 1e2", "RETR -> wait 100"),
        ("RETR@l4 -> end rst", "RETR@L4 -> end rst"),
        ("QUIT!before->end rst", "QUIT!before -> end rst"),
        ("RETR@5->end rst", "RETR@5 -> end rst"),
        ("RETR@end->end rst", "RETR@end -> end rst"),
        ("RETR session=2..->end rst;times=1", "RETR session=2.. -> end rst; times=1"),
        ("RETR user=a-b->end rst", "RETR user=a-b -> end rst"),
    ],
)
def test_a_rule_may_be_written_more_loosely(loose: str, canonical: str | None) -> None:
    """Case of points, blanks and spelled-out defaults do not matter; a blank before a list's comma does."""
    if canonical is None:
        with pytest.raises(UsageError):
            Rule.parse(loose)
    else:
        assert str(Rule.parse(loose)) == canonical
        assert Rule.parse(loose) == Rule.parse(canonical)


LONG = "9" * 5000

LONG_NUMBERS = {
    f"RETR#{LONG}": (5, "#"),
    f"RETR@{LONG}": (5, "@"),
    f"RETR@-{LONG}": (5, "@"),
    f"RETR@body:{LONG}": (5, "@"),
    f"RETR@{LONG}%": (5, "@"),
    f"RETR@L{LONG}": (5, "@L"),
    f"RETR session={LONG}": (6, "session"),
    f"RETR session=1..{LONG}": (6, "session"),
    f"RETR -> edit drop {LONG}": (19, "count"),
    f"RETR -> pace size={LONG}": (14, "size"),
    f"hello -> tls alert={LONG}": (14, "alert"),
    f"RETR -> end rst; times={LONG}": (18, "times"),
}


@pytest.mark.parametrize("text", LONG_NUMBERS, ids=[text.replace(LONG, "9...") for text in LONG_NUMBERS])
def test_a_number_without_end_is_refused_as_every_mistake_is(text: str) -> None:
    """Python refuses to read one, with an error that knows nothing of rules."""
    column, name = LONG_NUMBERS[text]
    with pytest.raises(UsageError) as caught:
        Rule.parse(text)
    assert str(caught.value) == (
        f"column {column} of `{text}`: {name} has 5000 digits, which is too much: up to 18 are read"
    )


def test_a_number_of_eighteen_digits_is_read() -> None:
    """That is the most."""
    text = f"RETR#{'9' * 18} -> end rst"
    assert str(Rule.parse(text)) == text
