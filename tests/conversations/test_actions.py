"""Every action at every point, phase and kind of offset: what a client gets, or why the rule is refused.

What is expected stands here a second time, as plain readings of whole replies; points, phases, offsets and actions are
taken from the rules' own tables, so that nothing new goes without an expectation.
"""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

import pytest

from pop3s_fake import UsageError
from pop3s_fake.rules import Rule
from pop3s_fake.rules.actions import EDITS, ENDINGS
from pop3s_fake.rules.forms import FORMS
from pop3s_fake.rules.when import ANY, KEYWORDS, LAYERS, PHASES, POINTS, OffsetKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conversations.conftest import Pure, Short, Talk

CRLF: Final = b"\r\n"

LINES: Final = {
    "USER": "USER ann",
    "PASS": "PASS not-a-secret",
    "APOP": "APOP ann {digest}",
    "AUTH": "AUTH PLAIN =",
    "STLS": "STLS",
    "CAPA": "CAPA",
    "LANG": "LANG",
    "UTF8": "UTF8",
    "STAT": "STAT",
    "LIST": "LIST",
    "RETR": "RETR 1",
    "DELE": "DELE 1",
    "NOOP": "NOOP",
    "RSET": "RSET",
    "TOP": "TOP 1 1",
    "UIDL": "UIDL",
    "LAST": "LAST",
    "QUIT": "QUIT",
}
"""What a client says at each keyword."""

BEFORE_LOGIN: Final = ("USER", "PASS", "APOP", "AUTH", "STLS", "LANG", "UTF8")

SINGLE: Final = ("greeting", "USER", "PASS", "APOP", "STLS", "UTF8", "STAT", "DELE", "NOOP", "RSET", "LAST", "QUIT")
"""Where no reply ever has several lines."""

OTHERS: Final = {"*#3": "RETR", "RETR,TOP": "TOP", "XTND": "XTND"}
"""Other ways to say where, and the keyword that they mean here."""

POINTS_HERE: Final = [*POINTS, *KEYWORDS, *OTHERS]

FEW: Final = ["accept", "greeting", "PASS", "RETR", "LIST", "STAT", "QUIT", "*#3", "close"]
"""Those that are tried over TLS, too, where each costs a handshake."""

OFFSETS: Final = ["", "@5", "@body:3", "@-3", "@50%", "@L2", "@end", "@tls:5", "@tcp:-3"]

HANDSHAKE: Final = ("hello", "handshake", "secured", "stls.hello", "stls.handshake")


class Place(NamedTuple):
    """Where a rule stands."""

    point: str
    offset: str
    phase: str

    def __str__(self) -> str:
        """As it is written."""
        return self.point + self.offset + (f"!{self.phase}" if self.phase else "")

    @property
    def named(self) -> str:
        """The point in a sentence."""
        return self.point.partition("#")[0].replace(",", " or ")

    @property
    def layer(self) -> str:
        """The layer of its offset."""
        return "tls" if self.offset.startswith("@tls") else "tcp" if self.offset.startswith("@tcp") else "pop3"


PLACES: Final = [Place(point, offset, phase) for point in POINTS_HERE for offset in OFFSETS for phase in ("", *PHASES)]


class Action(NamedTuple):
    """One action with certain parameters."""

    text: str
    build: Callable[[Rule], Rule] | None = None
    """For what only Python has."""

    @property
    def verb(self) -> str:
        """Which action it is."""
        return self.text.split()[0]

    @property
    def layer(self) -> str:
        """Whose octets it changes."""
        return "tls" if self.text.endswith("=tls") else "tcp" if self.text.endswith("=tcp") else "pop3"

    def at(self, place: Place) -> Rule:
        """The rule."""
        return Rule(f"{place} -> {self.text}") if self.build is None else self.build(Rule(str(place)))


CALLED: Final[list[str]] = []
"""What functions were called with."""


def shout(octets: bytes) -> bytes:
    """Edit a whole reply."""
    return octets.upper()


def refuse(command: str) -> str:
    """Make a reply."""
    CALLED.append(command)
    return "-ERR no"


def called(session: Any) -> None:
    """Note the session."""
    CALLED.append(f"session {session.number}")


ACTIONS: Final = [
    Action("wait 2"),
    Action("wait 1..2"),
    Action("wait forever"),
    Action("pace size=4"),
    Action("pace size=4 gap=0.5"),
    Action("pace rate=40"),
    Action("pace size=4 layer=tls"),
    Action('reply "-ERR no"'),
    Action('reply "+OK mine\\r\\n.a\\r\\n.\\r\\n"'),
    Action('reply "+OK mine" keep'),
    Action("reply <refuse>", lambda rule: rule.reply(refuse)),
    *[Action(f"edit {kind}") for kind in EDITS if kind != "swap"],
    Action("edit swap layer=tls"),
    Action("edit drop 3"),
    Action("edit dup 3"),
    Action("edit flip 3"),
    Action("edit flip layer=tcp"),
    Action("edit <shout>", lambda rule: rule.edit(shout)),
    Action('send "!\\r\\n"'),
    Action('send "!" layer=tcp'),
    Action('flood "ab" octets=5 seconds=1'),
    Action("tls alert=handshake_failure"),
    Action("tls certificate=expired"),
    Action("tls request-client-cert"),
    *[Action(f"end {how}") for how in ENDINGS],
    Action("mail add=three.eml"),
    Action("mail add=<message>", lambda rule: rule.mail(add="Subject: three\n\n")),
    Action("mail remove=m2"),
    Action("mail renumber-uids"),
    Action("call <called>", lambda rule: rule.call(called)),
]


# the tables are whole


def test_nothing_of_the_grammar_is_left_out() -> None:
    """A new keyword, kind of offset, layer, action or parameter of an action needs its expectation here."""
    assert set(LINES) == set(KEYWORDS)
    assert set(SINGLE) == {point for point in (*POINTS, *KEYWORDS) if Rule(point).when.one_line}
    assert any(Rule(point).when.points == (ANY,) for point in OTHERS)
    offsets = [Rule(f"RETR{offset}").when.offset for offset in OFFSETS]
    assert {offset.kind for offset in offsets if offset} == set(get_args(OffsetKind))
    assert {offset.layer for offset in offsets if offset} == set(LAYERS)
    assert {action.verb for action in ACTIONS} == set(FORMS)
    for verb, form in FORMS.items():
        texts = " ".join(action.text for action in ACTIONS if action.verb == verb)
        for name in (*(f"{pair.name}=" for pair in form.pairs), *(flag for flag, _ in form.flags)):
            assert name in texts, f"{verb} {name} is nowhere tried"
    for action in ACTIONS:
        assert str(
            action.at(Place("hello" if action.verb == "tls" and "client" not in action.text else "RETR", "", ""))
        ).endswith(f"-> {action.text}")


# what is refused

FLIGHTS: Final = ("handshake", "stls.handshake")
EARLY: Final = ("accept", "hello", "stls.hello", *FLIGHTS)

NO_REPLY: Final = {
    "accept": "accept has no reply",
    "secured": "secured has no reply",
    "close": "close has no reply",
    **dict.fromkeys(["hello", "stls.hello", *FLIGHTS], "a handshake has no reply"),
    "before": "there is no reply yet in !before",
    "after": "the reply is over in !after",
}


def refusal(place: Place, action: Action) -> str | None:
    """Why a rule cannot be; None where it can."""
    return _nowhere(place) or _not_there(place, action) or _not_on_this_layer(place, action)


def _nowhere(place: Place) -> str | None:  # noqa: PLR0911  # the law, one line a paragraph
    """Why there is no such place."""
    point, offset, phase = place
    if offset and phase:
        return f"{offset} and !{phase} contradict each other: an offset lies in the reply"
    without_reply = point in POINTS and point != "greeting"
    if without_reply and phase:
        return f"{point} has no reply, so there is no !{phase}"
    if without_reply and offset and point not in FLIGHTS:
        return f"{point} has no reply, so there is no {offset}"
    if without_reply and offset and place.layer == "pop3":
        return f"{point} has TLS octets only: an offset is @tls:512 or @tcp:512 there"
    if without_reply and "-" in offset:
        return f"a handshake has several flights, so there is no {offset}"
    if point in SINGLE and offset in {"@body:3", "@L2"}:
        return f"{point} has single-line replies only, so there is no {offset}"
    return None


def _not_there(place: Place, action: Action) -> str | None:  # noqa: C901, PLR0911, PLR0912  # the law, one line a paragraph
    """Why this cannot be done there."""
    point, offset, phase = place
    verb, words = action.verb, action.text.split()
    if point in EARLY and (verb == "flood" or (verb == "tls" and point == "accept")):
        return f"nothing can be sealed at {point} yet, so there is no {verb}"
    if point not in FLIGHTS and place.layer != "pop3" and verb in {"reply", "flood", "tls"}:
        return f"{offset} counts octets that are on their way down: too late to {verb}"
    if verb == "reply" and (point in NO_REPLY or phase == "after"):
        return f"{NO_REPLY[phase or point]}, so there is nothing to reply"
    if verb in {"pace", "edit"} and point not in FLIGHTS and (point in NO_REPLY or phase):
        return f"{NO_REPLY[phase or point]}, so there is nothing to {verb}"
    if point in EARLY and verb == "end" and words[1] not in {"fin", "rst", "half-tcp"}:
        return f"there is no TLS at {point} yet: end fin or end rst, not {action.text}"
    if point in EARLY and verb == "send" and action.layer != "tcp":
        return f"nothing can be sealed at {point} yet: send with layer=tcp sends octets as they are"
    if point in FLIGHTS and verb in {"edit", "pace"} and action.layer == "pop3":
        return f"{point} has TLS octets only: {verb} with layer=tls or layer=tcp"
    if point in EARLY and words[1] == "request-client-cert":
        return f"at {point} it is client_certificate= that asks; request-client-cert is for later"
    if point in FLIGHTS and words[1] == "certificate=expired":
        return f"the certificate is chosen at hello, not at {point}"
    if point not in EARLY and verb == "tls" and "alert" in words[1]:
        return "once TLS is up, Python sends no alert of choice: tls alert= stands at hello or handshake"
    if point not in EARLY and words[1] == "certificate=expired":
        return f"the certificate is chosen at hello, not at {place.named}"
    if verb == "reply" and offset:
        return f"reply takes the place of the whole reply, so it stands without {offset}"
    if words[-1] == "keep" and phase == "before":
        return "keep keeps the payload, and there is none in !before"
    if words[-1] == "keep" and point in SINGLE:
        return f"keep keeps the payload, and {point} has single-line replies only"
    if words[1] == "<shout>" and offset:
        return f"a function edits the whole reply, so it stands without {offset}"
    if words[1] == "swap" and offset:
        return f"edit swap exchanges the next two records, so it stands without {offset}"
    if words[1] == "no-terminator" and offset:
        return f"the terminator has its own place, so edit no-terminator stands without {offset}"
    if words[1] in {"no-terminator", "unstuff"} and point in SINGLE:
        return f"{point} has single-line replies only, so there is nothing to {action.text}"
    return None


def _not_on_this_layer(place: Place, action: Action) -> str | None:
    """Why the octets of this layer cannot be changed so at a place that is counted on a lower one."""
    if action.text in {"end clean", "end half-close", "end half-tls"} and place.layer != "pop3":
        return (
            f"at {place.offset} records are sealed already, and no alert can be read between or within them: "
            f"end fin, rst or half-tcp, or an offset without {place.layer}:"
        )
    if action.verb not in {"pace", "edit", "send"}:
        return None
    late = LAYERS.index(action.layer) < LAYERS.index(place.layer)
    if not late and not (action.verb == "send" and place.layer != "pop3" and action.layer == "tls"):
        return None
    right = "layer=tcp" if place.layer == "tcp" or action.verb == "send" else "layer=tls or layer=tcp"
    return f"at {place.offset} it is sealed already: {action.verb} with {right}"


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.text)
def test_what_cannot_be_is_refused_and_says_why(action: Action, pure: Callable[..., Pure]) -> None:
    """At once, in the sentence that belongs to it; everything else is taken."""
    wrong = []
    for place in PLACES:
        try:
            pure(action.at(place))
            said = None
        except UsageError as error:
            said = str(error)
        expected = refusal(place, action)
        if (said is None) != (expected is None) or (expected and said and not said.endswith(f": {expected}")):
            wrong.append(f"{place} -> {action.text}: {said}; expected: {expected}")
    assert wrong == []


# what is done


class Between(NamedTuple):
    """Any number of seconds from one to the other."""

    first: float
    last: float

    def __eq__(self, other: object) -> bool:
        """Whether that is such a number."""
        return isinstance(other, float) and self.first <= other <= self.last

    def __hash__(self) -> int:
        """Of no use."""
        return 0


class Expected(NamedTuple):
    """What a client gets where a rule strikes."""

    steps: list[Any]
    octet: int
    """Where it strikes."""
    ended: str | None = None
    """``clean``, ``fin``, ``rst``, ``half-close`` or ``forever``, where the rule ends something."""


Struck = Expected | None


def steps_of(*steps: Any) -> list[Any]:
    """The steps without those of no octets."""
    return [step for step in steps if step != b""]


def octet_of(place: Place, plain: bytes) -> int | None:
    """Where an offset lies in a reply."""
    first = plain.index(CRLF) + 2
    several = first < len(plain)
    offset = place.offset
    if offset == "@body:3":
        return first + 3 if several else None
    if offset == "@L2":
        return first if several else None
    at_the_end = len(plain) - (3 if several else 2)
    return {"": 0, "@5": 5, "@-3": len(plain) - 3, "@50%": len(plain) // 2, "@end": at_the_end}[offset]


def in_the_reply(place: Place, action: Action, plain: bytes) -> Struck:  # noqa: PLR0911  # one line for each action
    """What becomes of a reply."""
    octet = octet_of(place, plain)
    if octet is None or (octet == len(plain) and action.verb in {"edit", "pace"}):
        return None
    start, rest = plain[:octet], plain[octet:]
    verb, *words = action.text.split()
    match verb:
        case "wait" | "end" | "call" | "mail":
            return moment(action, [start], [rest], octet)
        case "pace":
            gap = {"gap=0.5": 0.5, "rate=40": 0.1}.get(words[-1])
            pieces = [rest[at : at + 4] for at in range(0, len(rest), 4)]
            between = [] if gap is None else [gap]
            return Expected(
                steps_of(start, *[step for piece in pieces for step in (*between, piece)][len(between) :]), octet
            )
        case "reply":
            if words[0] == "<refuse>":
                return Expected([b"-ERR no\r\n"], 0)
            first = plain.index(CRLF) + 2
            text = {
                '"-ERR': b"-ERR no\r\n",
                '"+OK': b"+OK mine\r\n" + (plain[first:] if words[-1] == "keep" else b".a\r\n.\r\n"),
            }
            return Expected([text[words[0]]], 0)
        case "edit":
            return edited(words, plain, octet)
        case "send":
            return Expected([start + b"!\r\n" + rest], octet)
        case _:
            assert verb == "flood"
            if not place.offset:
                octet = octet_of(place._replace(offset="@end"), plain)
                assert octet is not None
            return Expected([plain[:octet] + b"abab" + plain[octet:]], octet)


def edited(words: list[str], plain: bytes, octet: int) -> Struck:  # noqa: PLR0911  # one line for each kind
    """What an edit makes of a reply from an octet on."""
    count = int(words[1]) if len(words) > 1 else 1
    start, touched, rest = plain[:octet], plain[octet : octet + count], plain[octet + count :]
    several = plain.index(CRLF) + 2 < len(plain)
    match words[0]:
        case "drop":
            return Expected([start + rest], octet)
        case "dup":
            return Expected([start + touched + touched + rest], octet)
        case "flip":
            return Expected([start + bytes(each ^ 1 for each in touched) + rest], octet)
        case "truncate":
            return Expected(steps_of(start), octet)
        case "no-terminator":
            return Expected([plain[:-3]], len(plain) - 3) if several else None
        case "unstuff":
            dot = plain.find(b"\r\n..") + 2
            return Expected([plain[:dot] + plain[dot + 1 :]], dot) if several and dot >= max(octet, 2) else None
        case "bare-lf":
            return Expected([start + (touched + rest).replace(CRLF, b"\n")], octet)
        case "bare-cr":
            return Expected([start + (touched + rest).replace(CRLF, b"\r")], octet)
        case _:
            assert words == ["<shout>"]
            return Expected([plain.upper()], 0)


def moment(action: Action, before: list[bytes], behind: list[bytes], octet: int) -> Expected:
    """What is done between two octets, or where there is no reply."""
    verb, *words = action.text.split()
    match verb:
        case "wait" if words == ["forever"]:
            return Expected(steps_of(*before, None), octet, "forever")
        case "wait":
            return Expected(steps_of(*before, 2.0 if words == ["2"] else Between(1.0, 2.0), *behind), octet)
        case "end" if words == ["half-close"]:
            return Expected(steps_of(*before, "half"), octet, "half-close")
        case "end":
            return Expected(steps_of(*before), octet, words[0])
        case "call":
            return Expected(steps_of(*before, *behind), octet)
        case _:
            assert verb == "mail"
            joined = b"".join([*before, *behind]) if len(before) == len(behind) == 1 else None
            return Expected(steps_of(*([joined] if joined is not None else [*before, *behind])), octet)


def around(place: Place, action: Action, plain: bytes) -> Expected:
    """What is done before a command is executed, or behind its reply."""
    verb = action.verb
    added = {"send": b"!\r\n", "flood": b"abab"}.get(verb)
    if place.phase == "before":
        if verb == "reply":
            several = action.text.startswith('reply "+OK')
            return Expected([b"+OK mine\r\n.a\r\n.\r\n" if several else b"-ERR no\r\n"], 0)
        if added is not None:
            return Expected([added, plain], 0)
        return moment(action, [], [plain], 0)
    if added is not None:
        return Expected([plain + added], len(plain))
    return moment(action, [plain], [], len(plain))


def expected(place: Place, action: Action, plain: bytes) -> Struck:
    """What a client gets in place of a plain reply; None where nothing strikes."""
    return around(place, action, plain) if place.phase else in_the_reply(place, action, plain)


# one conversation


class Asked:
    """A client just before a point, and what it says there."""

    def __init__(self, pure: Pure, point: str) -> None:
        self.pure = pure
        self.keyword = OTHERS.get(point, point)
        self.talk: Talk = pure.talk()
        self.greeting = b""
        if self.keyword in POINTS:
            return
        if self.keyword == "PASS":
            self.talk.say("USER ann")
        elif self.keyword not in BEFORE_LOGIN:
            self.talk.login()
        else:
            self.greeting = self.talk.octets

    @property
    def line(self) -> str:
        """What it says."""
        secret = [*self.greeting.split()[-1:], b"not-a-secret"]
        digest = md5(b"".join(secret)).hexdigest()  # noqa: S324  # APOP has no other
        return LINES.get(self.keyword, "QUIT" if self.keyword == "close" else self.keyword).format(digest=digest)

    @property
    def probe(self) -> str:
        """What it says to see that all is in step."""
        return "STAT" if self.keyword == "NOOP" else "NOOP"

    def ask(self) -> list[Short]:
        """What the server does at the point."""
        if self.keyword in {"accept", "greeting"}:
            return self.talk.steps
        if self.keyword == "close":
            self.talk.login()
        self.talk.forget()
        return self.talk.say(self.line)


class Plain(NamedTuple):
    """What comes without a rule."""

    reply: bytes
    probe: list[Any]
    """The reply to the command after it."""
    unexecuted: list[Any]
    """The same, where the command itself was never sent."""


@pytest.fixture(scope="module")
def plain(pure: Callable[..., Pure]) -> dict[str, Plain]:
    """What comes without a rule, at every point at which something does."""
    result = {}
    for point in (*KEYWORDS, *OTHERS, "accept", "greeting", "close"):
        asked = Asked(pure(), point)
        reply = b"".join(step for step in asked.ask() if isinstance(step, bytes))
        skipped = Asked(pure(), point)
        skipped.talk.forget()
        result[point] = Plain(reply, asked.talk.say(asked.probe), skipped.talk.say(skipped.probe))
    return result


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.text)
def test_what_can_be_is_done(
    action: Action,
    tls: bool,  # noqa: FBT001
    pure: Callable[..., Pure],
    plain: dict[str, Plain],
) -> None:
    """Octets, waits and ends, write by write; the hit and its octet; and that the conversation goes on in step."""
    wrong = []
    for place in PLACES:
        if refusal(place, action) is None and not below(place, action) and (not tls or place.point in FEW):
            wrong += [
                f"{place} -> {action.text}{' over TLS' if tls else ''}: {problem}"
                for problem in played(pure(action.at(place), tls=tls), place, action, plain[place.point])
            ]
    assert wrong == []


def below(place: Place, action: Action) -> bool:
    """Whether it is about TLS or about a layer below POP3, which ``test_below`` tests."""
    layers = {place.layer, action.layer}
    about_tls = action.verb == "tls" or action.text in {"end half-tls", "end half-tcp"}
    return layers != {"pop3"} or place.point in HANDSHAKE or about_tls


def played(pure: Pure, place: Place, action: Action, plain: Plain) -> Iterator[str]:
    """What is not as expected in one conversation."""
    CALLED.clear()
    (rule,) = pure.rules
    asked = Asked(pure, place.point)
    steps = asked.ask()
    reply = plain.reply
    if action.verb == "mail" and place.phase == "before" and asked.keyword in {"PASS", "APOP"}:
        stored = list(pure.account.maildrop)  # the login finds what the rule has made of the maildrop
        count = f"{len(stored)} message{'s' * (len(stored) > 1)}"
        reply = f"+OK maildrop has {count} ({sum(message.octets for message in stored)} octets)\r\n".encode()
    want = wanted(place, action, reply)
    strikes = [entry.text for entry in asked.talk.log.entries if entry.text.startswith("rule ")]
    if want is None:
        if (steps, strikes, rule.hits) != ([reply], [], 0):
            yield f"it should not strike: {steps} {strikes}"
        return
    if steps != want.steps:
        yield f"{steps}, not {want.steps}"
    if (strikes, rule.hits, rule.sessions) != ([f"rule {rule} struck at octet {want.octet}"], 1, (1,)):
        yield f"{strikes} {rule.hits}, not at octet {want.octet}"
    if place.point != "accept" and set(asked.talk.records) - {1}:
        yield f"not a record a write: {asked.talk.records}"
    yield from effects(pure, place, action, asked)
    yield from afterwards(asked, place, action, plain, want)


def wanted(place: Place, action: Action, plain: bytes) -> Struck:
    """What is expected at any point."""
    if place.point == "accept":
        return moment(action, [], [plain], 0)
    if place.point == "close":
        added = {"send": b"!\r\n", "flood": b"abab"}.get(action.verb)
        return Expected([plain, added], 0) if added else moment(action, [plain], [], 0)
    return expected(place, action, plain)


UIDS: Final = {
    "mail add=three.eml": ["m1", "m2", "+"],
    "mail add=<message>": ["m1", "m2", "+"],
    "mail remove=m2": ["m1"],
    "mail renumber-uids": ["renumbered-1-1", "renumbered-1-2"],
}


def effects(pure: Pure, place: Place, action: Action, asked: Asked) -> Iterator[str]:
    """What is not as it should be besides the octets."""
    uids = pure.account.maildrop.uids
    want = UIDS.get(action.text, ["m1", "m2"])
    if len(uids) != len(want) or not all(name in {uid, "+"} for uid, name in zip(uids, want, strict=True)):
        yield f"the maildrop has {uids}"
    calls = {
        "call": ["session 1"],
        "reply": [asked.line.removesuffix(" =")] if place.point not in POINTS else ["greeting"],
    }
    calling = "<called>" in action.text or "<refuse>" in action.text
    if (calls[action.verb] if calling else []) != CALLED:
        yield f"the function was called with {CALLED}"


def afterwards(asked: Asked, place: Place, action: Action, plain: Plain, want: Expected) -> Iterator[str]:
    """What is not as it should be behind the point."""
    talk, tls = asked.talk, asked.pure.tls
    parted = asked.keyword in {"QUIT", "close"} and not (place.phase == "before" and action.verb == "reply")
    if want.ended == "forever":
        heard = talk.hang_up()
        ends: tuple[str | None, bool] = ("fin", tls and place.point != "accept")
        if heard:
            yield f"a wait without an end was followed by {heard}"
    elif want.ended == "half-close":
        heard = [] if parted else talk.say(asked.probe, "QUIT")
        ends = ("fin", tls)
        if heard:
            yield f"our direction was closed, and there came {heard}"
    elif want.ended is not None:
        ends = ("rst" if want.ended == "rst" else "fin", tls and want.ended == "clean")
    elif parted:
        ends = ("fin", tls)
    else:
        skipped = place.phase == "before" and action.verb == "reply"
        probe, in_step = talk.say(asked.probe), plain.unexecuted if skipped else plain.probe
        ends = (None, False)
        if probe != in_step and action.verb != "mail":
            yield f"{asked.probe} was answered by {probe}, not {in_step}"
    if (talk.ended, talk.notified) != ends:
        yield f"it ended {talk.ended}, close-notify {talk.notified}, not {ends}"


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("end", ["hang_up", "idle"])
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.text)
def test_a_rule_at_the_close_acts_without_quit_too(
    action: Action,
    end: str,
    tls: bool,  # noqa: FBT001
    pure: Callable[..., Pure],
) -> None:
    """When the client closes, and when the autologout timer does."""
    place = Place("close", "", "")
    if refusal(place, action) is not None or below(place, action):
        return
    talk = pure(action.at(place), tls=tls).talk().login()
    want = wanted(place, action, b"")
    assert want is not None
    steps = getattr(talk, end)()
    assert steps == steps_of(*want.steps)
    if want.ended == "forever":
        talk.hang_up()
    ended = {"rst": "rst"}.get(want.ended or "", "fin")
    assert (talk.ended, talk.notified) == (ended, tls and want.ended not in {"fin", "rst"})
