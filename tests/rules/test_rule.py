from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pop3s_fake.errors import UsageError
from pop3s_fake.protocol.replies import Err, Ok
from pop3s_fake.rules import Rule
from pop3s_fake.rules.actions import EDITS, ENDINGS, EditKind

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRS: list[tuple[Rule, str]] = [
    (Rule("RETR#2@512").wait(0.2).end("rst").times(1), "RETR#2@512 -> wait 0.2, end rst; times=1"),
    (Rule("RETR#2@512 session=2.. user=ann tls=no").end("fin"), "RETR#2@512 session=2.. user=ann tls=no -> end fin"),
    (Rule("UIDL").wait("forever"), "UIDL -> wait forever"),
    (Rule("*").wait((0.5, 1.5)), "* -> wait 0.5..1.5"),
    (Rule("RETR").pace(size=1, gap=0.01), "RETR -> pace size=1 gap=0.01"),
    (Rule("RETR").pace(rate=1000), "RETR -> pace rate=1000"),
    (Rule("PASS").reply(Err("locked", code="IN-USE")).times(1), 'PASS -> reply "-ERR [IN-USE] locked"; times=1'),
    (Rule("LIST").reply(Ok("15 messages:"), keep=True), 'LIST -> reply "+OK 15 messages:" keep'),
    (Rule("STAT").reply("+OK 1 2"), 'STAT -> reply "+OK 1 2"'),
    (Rule("STAT").reply(b"\xff"), 'STAT -> reply "\\xff"'),
    (Rule("RETR@512").edit("drop", 3), "RETR@512 -> edit drop 3"),
    (Rule("RETR").edit("flip", layer="tls"), "RETR -> edit flip layer=tls"),
    (Rule("NOOP!after").send("+OK\r\n"), 'NOOP!after -> send "+OK\\r\\n"'),
    (Rule("RETR").send(b"\0", layer="tcp"), 'RETR -> send "\\0" layer=tcp'),
    (Rule("RETR").flood("x\r\n"), 'RETR -> flood "x\\r\\n"'),
    (Rule("RETR").flood(b"x", octets=5, seconds=2), 'RETR -> flood "x" octets=5 seconds=2'),
    (Rule("hello").tls(alert="unknown_ca"), "hello -> tls alert=unknown_ca"),
    (Rule("hello").tls(alert=99), "hello -> tls alert=99"),
    (Rule("hello").tls(certificate="expired"), "hello -> tls certificate=expired"),
    (Rule("USER").tls(request_client_cert=True), "USER -> tls request-client-cert"),
    (Rule("UIDL!before").mail(renumber_uids=True), "UIDL!before -> mail renumber-uids"),
    (Rule("UIDL!before").mail(remove="a b"), 'UIDL!before -> mail remove="a b"'),
    (Rule("UIDL!before").mail(add=Path("a.eml")), "UIDL!before -> mail add=a.eml"),
    (Rule("RETR").end("rst").exactly(2).skip(1).expires(30), "RETR -> end rst; exactly=2, skip=1, expires=30"),
    (Rule("RETR").end("rst").p(0.3).optional(), "RETR -> end rst; p=0.3, optional"),
]


@pytest.mark.parametrize(("fluent", "text"), PAIRS, ids=[text for _, text in PAIRS])
def test_methods_and_text_make_the_same_rule(fluent: Rule, text: str) -> None:
    """One object, two ways to write it."""
    assert fluent == Rule.parse(text)
    assert str(fluent) == text
    assert repr(fluent) == f"Rule({text!r})"


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "wait": (lambda: Rule("RETR").wait(-1), "rule `RETR`: wait takes seconds from 0, not -1"),
    "wait-word": (
        lambda: Rule("RETR").wait("soon"),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: wait takes seconds, two as in (0.5, 1.5), or 'forever', not 'soon'",
    ),
    "wait-one": (
        lambda: Rule("RETR").wait((1,)),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: wait takes seconds, two as in (0.5, 1.5), or 'forever', not (1,)",
    ),
    "wait-list": (
        lambda: Rule("RETR").wait([1, 2]),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: wait takes seconds, two as in (0.5, 1.5), or 'forever', not [1, 2]",
    ),
    "wait-none": (
        lambda: Rule("RETR").wait(None),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: wait takes seconds from 0, not None",
    ),
    "mail-remove": (
        lambda: Rule("RETR").mail(remove=3),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: remove takes a unique-id such as 'uid-1', not 3",
    ),
    "mail-add": (
        lambda: Rule("RETR").mail(add=3),
        "rule `RETR`: add takes a message as str, bytes or EmailMessage, or a Path, not 3",
    ),
    "mail-word": (
        lambda: Rule("RETR").mail(remov="uid-1"),
        "rule `RETR`: mail takes no remov=; did you mean 'remove'?",
    ),
    "long": (
        lambda: Rule("RETR").edit("drop", 10**5000),
        "rule `RETR`: count takes a whole number of up to 18 digits, not one that is longer",
    ),
    "long-wait": (
        lambda: Rule("RETR").wait(10**5000),
        "rule `RETR`: wait takes seconds from 0, not one that is longer",
    ),
    "endless": (lambda: Rule("RETR").wait(float("inf")), "rule `RETR`: wait takes seconds from 0, not inf"),
    "pace": (lambda: Rule("RETR").pace(size=0), "rule `RETR`: size takes a whole number from 1, not 0"),
    "edit": (
        lambda: Rule("RETR").edit("drip"),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: unknown edit 'drip'; did you mean 'drop'?",
    ),
    "end": (
        lambda: Rule("RETR").end("rts"),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: unknown end 'rts'; did you mean 'rst'?",
    ),
    "layer": (
        lambda: Rule("RETR").send("x", layer="tsl"),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: unknown layer 'tsl'; did you mean 'tls'?",
    ),
    "send": (
        lambda: Rule("RETR").send(5),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: send takes str or bytes, not 5",
    ),
    "flood": (
        lambda: Rule("RETR").flood(5),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: flood takes str or bytes, not 5",
    ),
    "reply": (
        lambda: Rule("RETR").reply(5),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: a reply is str, bytes, Ok, Err or a function that gives one of these, not 5",
    ),
    "keep": (
        lambda: Rule("RETR").reply("+OK\r\nx", keep=True),
        "rule `RETR`: keep takes the place of the first line, so its text is one line",
    ),
    "alert": (
        lambda: Rule("hello").tls(alert="unknwon_ca"),
        "rule `hello`: unknown alert 'unknwon_ca'; did you mean 'unknown_ca'?",
    ),
    "mail": (lambda: Rule("RETR").mail(), "rule `RETR`: mail takes add=, remove= or renumber-uids, one of them"),
    "call": (
        lambda: Rule("RETR").call("x"),  # type: ignore[arg-type]  # the mistake this is about
        "rule `RETR`: call takes a function, not 'x'",
    ),
    "times": (lambda: Rule("RETR").times(0), "rule `RETR`: times takes a whole number from 1, not 0"),
    "twice": (lambda: Rule("RETR").p(0).p(1), "rule `RETR; p=0`: p stands twice"),
    "p": (lambda: Rule("RETR").p(2), "rule `RETR`: p takes a probability from 0 to 1, not 2"),
    "both": (
        lambda: Rule("RETR").times(1).exactly(1),
        "rule `RETR; times=1`: times (at most so often) and exactly contradict each other",
    ),
    "after end": (
        lambda: Rule("RETR").end("rst").wait(1),
        "rule `RETR -> end rst`: nothing comes after end rst, so wait never acts",
    ),
    "function at an offset": (
        lambda: Rule("RETR@5").edit(bytes.lower),
        "rule `RETR@5`: a function edits the whole reply, so it stands without @5",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_method_refuses_what_the_text_would(name: str) -> None:
    """The same complaints, with the rule as far as it got, which stays as it was."""
    make, text = WRONG[name]
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value) == text


def test_what_only_python_has_is_shown_and_cannot_be_read_back() -> None:
    """Functions and messages stand in angle brackets."""

    def shout(octets: bytes) -> bytes:
        return octets.upper()

    rule = Rule("RETR").reply(lambda _: "+OK").edit(shout).mail(add="Subject: a\n\n").call(print)
    assert str(rule) == "RETR -> reply <lambda>, edit <shout>, mail add=<message>, call <print>"
    with pytest.raises(UsageError) as caught:
        Rule.parse(str(rule))
    assert str(caught.value) == (
        f"column 9 of `{rule}`: <lambda> stands for something of Python's, so it can be given in Python only"
    )


def test_a_copy_says_the_same_and_has_struck_nowhere() -> None:
    """The hits belong to one server."""
    rule = Rule("RETR").call(print)
    assert rule.strike(3)
    copy = rule.copy()
    assert copy == rule
    assert (rule.hits, rule.sessions, copy.hits, copy.sessions) == (1, (3,), 0, ())


def test_rules_differ_where_their_parts_do() -> None:
    """Also from what is no rule."""
    assert Rule("RETR -> end rst") != Rule("RETR -> end fin")
    assert Rule("RETR") != Rule("RETR; times=1")
    assert Rule("RETR") != "RETR"


# round trip

OCTETS = st.binary(min_size=1, max_size=12)
WORDS = st.text(min_size=1, max_size=8)
SECONDS = st.floats(min_value=0, max_value=1e6)
POSITIVE = st.floats(min_value=1e-9, max_value=1e6)
SMALL = st.integers(min_value=1, max_value=10**6)

COUNTED: list[EditKind] = ["drop", "dup", "flip"]

BEFORE_END: list[st.SearchStrategy[Callable[[Rule], Rule]]] = [
    SECONDS.map(lambda value: lambda rule: rule.wait(value)),
    st.tuples(SECONDS, SECONDS).map(lambda pair: lambda rule: rule.wait((min(pair), max(pair)))),
    st.tuples(SMALL, st.none() | POSITIVE).map(lambda pair: lambda rule: rule.pace(size=pair[0], gap=pair[1])),
    POSITIVE.map(lambda value: lambda rule: rule.pace(rate=value, layer="tcp")),
    OCTETS.map(lambda value: lambda rule: rule.reply(value)),
    WORDS.map(lambda value: lambda rule: rule.reply(value.replace("\r\n", ""), keep=True)),
    st.tuples(st.sampled_from(COUNTED), SMALL).map(lambda pair: lambda rule: rule.edit(*pair)),
    st.sampled_from(EDITS).map(lambda kind: lambda rule: rule.edit(kind, layer="tls")),
    OCTETS.map(lambda value: lambda rule: rule.send(value)),
    st.tuples(OCTETS, SMALL, POSITIVE).map(lambda it: lambda rule: rule.flood(it[0], octets=it[1] + 12, seconds=it[2])),
    st.integers(0, 255).map(lambda value: lambda rule: rule.tls(alert=value)),
    WORDS.map(lambda value: lambda rule: rule.tls(certificate=value)),
    WORDS.map(lambda value: lambda rule: rule.mail(remove=value)),
    WORDS.map(lambda value: lambda rule: rule.mail(add=Path(value.replace("\0", "0")))),
]
LIMITS: list[st.SearchStrategy[Callable[[Rule], Rule]]] = [
    SMALL.map(lambda value: lambda rule: rule.times(value)),
    SMALL.map(lambda value: lambda rule: rule.exactly(value)),
    SMALL.map(lambda value: lambda rule: rule.skip(value)),
    st.floats(0, 1).map(lambda value: lambda rule: rule.p(value)),
    POSITIVE.map(lambda value: lambda rule: rule.expires(value)),
    st.just(lambda rule: rule.optional()),
]
ENDS: st.SearchStrategy[Callable[[Rule], Rule]] = st.sampled_from(ENDINGS).map(lambda how: lambda rule: rule.end(how))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any rule that can be written down; what contradicts itself is left out, as it cannot be made."""
    point = draw(st.sampled_from(["greeting", "*", "RETR", "RETR,TOP,XTND", "STAT", "accept", "close", "handshake"]))
    nth = draw(st.sampled_from(["", "#1", "#2"]))
    argument = draw(st.sampled_from(["", "()", "(3)", "(1 0)"]) | WORDS.map(lambda text: f'("{_escaped(text)}")'))
    where = draw(
        st.sampled_from(["", "@0", "@512", "@body:5", "@-3", "@50%", "@L4", "@end", "@tls:5", "@tcp:-5", "!before"])
        | st.just("!after")
    )
    filters = draw(st.sampled_from(["", " session=2", " session=2.. tls=yes", " session=2..5 tls=no"]))
    user = draw(st.just("") | WORDS.map(lambda text: f' user="{_escaped(text)}"'))
    for text in (f"{point}{nth}{argument}{where}{filters}{user}", f"{point}{where}", point):
        try:
            rule = Rule(text)
            break
        except UsageError:
            continue
    for part in [*draw(st.lists(st.one_of(BEFORE_END), max_size=4)), draw(ENDS), *draw(st.lists(st.one_of(LIMITS)))]:
        try:
            rule = part(rule)
        except UsageError:
            continue
    return rule


def _escaped(text: str) -> str:
    return "".join(f"\\x{octet:02x}" for octet in text.encode())


@given(rules())
def test_every_rule_reads_back_as_itself(rule: Rule) -> None:
    """``Rule.parse(str(rule)) == rule``, and the canonical text is stable."""
    again = Rule.parse(str(rule))
    assert again == rule
    assert str(again) == str(rule)
