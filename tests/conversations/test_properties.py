"""Any rules in any conversation: what holds whatever they do to each other and to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from pop3s_fake import UsageError
from pop3s_fake.rules import Rule, RuleBook

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conversations.conftest import Pure, Talk

WHENS: Final = [
    f"{point}{place}"
    for point in ("USER", "PASS", "RETR", "RETR(1)", "RETR#2", "LIST", "DELE", "TOP", "STAT", "QUIT", "*", "*#4")
    for place in ("", "@0", "@5", "@body:3", "@-3", "@50%", "@100%", "@L2", "@end", "!before", "!after")
] + ["accept", "greeting", "greeting@4", "greeting!before", "greeting!after", "close"]

ACTIONS: Final = [
    "wait 1",
    "wait 1..2",
    "wait forever",
    "pace size=7",
    "pace size=7 gap=1",
    'reply "-ERR no"',
    'reply "+OK mine\\r\\n.\\r\\n"',
    'reply "+OK mine" keep',
    "edit drop 2",
    "edit dup 9",
    "edit flip",
    "edit truncate",
    "edit no-terminator",
    "edit unstuff",
    "edit bare-lf",
    "edit bare-cr",
    'send "!\\r\\n"',
    'flood "ab" octets=7',
    "end clean",
    "end fin",
    "end rst",
    "end half-close",
    "mail renumber-uids",
]

LIMITS: Final = ["", "; times=1", "; skip=1", "; p=0.5", "; expires=3", "; exactly=1", "; optional"]


def carried_out(text: str) -> bool:
    """Whether this is a rule that can act."""
    try:
        RuleBook(seed=1, now=lambda: 0.0).add(text)
    except UsageError:
        return False
    return True


TEXTS: Final = [text for when in WHENS for action in ACTIONS if carried_out(text := f"{when} -> {action}")]

RULES: Final = st.lists(
    st.builds(
        lambda text, second, limits: next(filter(carried_out, (f"{text}, {second}{limits}", f"{text}{limits}"))),
        st.sampled_from(TEXTS),
        st.sampled_from(ACTIONS),
        st.sampled_from(LIMITS),
    ),
    max_size=5,
)

SAID: Final = st.lists(
    st.sampled_from(
        [
            "STAT",
            "LIST",
            "UIDL",
            "RETR 1",
            "RETR 2",
            "RETR 3",
            "TOP 1 1",
            "DELE 1",
            "DELE 2",
            "RSET",
            "NOOP",
            "CAPA",
            "x",
        ]
    ),
    max_size=6,
)

ENDS: Final = st.sampled_from(["quit", "hang_up", "reset", "idle", "close"])


def conversation(
    pure: Callable[..., Pure], rules: list[str], said: list[str], end: str, *, tls: bool
) -> tuple[Pure, Talk, bytes]:
    """All of it, and what the client heard."""
    server = pure(*rules, tls=tls)
    talk = server.talk()
    heard = b"".join(step for step in talk.steps if isinstance(step, bytes))
    for line in ["USER ann", "PASS not-a-secret", *said, *["QUIT"] * (end == "quit")]:
        if talk.ended is None and not talk.forever:
            heard += talk.ask(line)
    steps: list[Any] = []
    if talk.forever:
        steps += talk.hang_up()
    if talk.ended is None:
        steps += {"quit": talk.hang_up, "hang_up": talk.hang_up, "reset": talk.reset, "idle": talk.idle}.get(
            end, list
        )()
    if talk.forever:
        steps += talk.hang_up()
    talk.connection.close()
    return server, talk, heard + b"".join(step for step in steps if isinstance(step, bytes))


@settings(derandomize=True, deadline=None, database=None, max_examples=400)
@given(RULES, SAID, ENDS)
def test_whatever_rules_do_a_conversation_ends_and_its_notes_are_true(
    pure: Callable[..., Pure], rules: list[str], said: list[str], end: str
) -> None:
    """It ends, the maildrop is free, and ledger, transcript and hits say what happened."""
    server, talk, heard = conversation(pure, rules, said, end, tls=False)
    assert talk.log.ended is not None
    assert server.account.maildrop.in_use_by is None
    # each strike is counted and noted
    strikes = [entry.text for entry in talk.log.entries if " struck at octet " in entry.text]
    assert len(strikes) == sum(rule.hits for rule in server.rules)
    for rule in server.rules:
        assert rule.hits <= (rule.limits.times or len(strikes))
        assert rule.sessions == ((1,) if rule.hits else ())
    # what counts as whole is what the client has
    plain = {1: b"..dotted\r\nplain\r\n.\r\n", 2: b"y" * 182 + b"\r\n.\r\n"}
    for sending in server.ledger.sendings:
        if sending.whole:
            assert plain[1 if sending.announced == 32 else 2] in heard
    assert len(server.ledger.delivered) <= len(talk.log.retrieved)
    # what is gone was deleted, and what was deleted is gone
    assert len(server.account.maildrop) == 2 - len(server.ledger.deleted)
    assert list(talk.log.deleted) == server.ledger.deleted
    # whatever did not strike has something to say
    for problem in server.book.judge():
        assert "never struck" in str(problem) or "not exactly" in str(problem)


@settings(derandomize=True, deadline=None, database=None, max_examples=60)
@given(RULES, SAID, ENDS)
def test_what_a_client_reads_is_the_same_over_tls(
    pure: Callable[..., Pure], rules: list[str], said: list[str], end: str
) -> None:
    """Octet by octet, with the same strikes at the same times; sealing is no business of the POP3 layer's.

    Only TLS can be closed without a word (C-8446-6.2).
    """
    clear, one, heard = conversation(pure, rules, said, end, tls=False)
    sealed, other, decrypted = conversation(pure, rules, said, end, tls=True)
    assert decrypted == heard
    entries = [entry[:3] for entry in other.log.entries if entry.text != "the client broke C-8446-6.2"]
    assert entries == [entry[:3] for entry in one.log.entries]
    assert (other.ended, other.log.ended) == (one.ended, one.log.ended)
    assert [rule.hits for rule in sealed.rules] == [rule.hits for rule in clear.rules]
    assert sealed.ledger.sendings == clear.ledger.sendings


@settings(derandomize=True, deadline=None, database=None, max_examples=60)
@given(RULES, SAID, ENDS)
def test_the_same_seed_gives_the_same_conversation(
    pure: Callable[..., Pure], rules: list[str], said: list[str], end: str
) -> None:
    """Chance included; and the text of a rule is the rule."""
    _, first, heard = conversation(pure, rules, said, end, tls=False)
    _, second, again = conversation(pure, [str(Rule.parse(rule)) for rule in rules], said, end, tls=False)
    assert again == heard
    assert second.log.lines() == first.log.lines()
