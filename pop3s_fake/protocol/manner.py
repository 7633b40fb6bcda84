"""How a server words and reads things, where it is not ours: neutral settings, each of which one mechanism carries out.

Knows the settings and their defaults, which are what :class:`~pop3s_fake.protocol.Session` does; must not know which
server has which, nor where they come from.  ``evidence`` beside a group names the recordings that show it.
Longer than 400 lines because every setting stands here, with what it means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from pop3s_fake.clock import AUTOLOGOUT
from pop3s_fake.protocol.lines import LINE_LIMIT

__all__ = (
    "OUTCOMES",
    "Answers",
    "Delays",
    "Ends",
    "Greeting",
    "Keyword",
    "Login",
    "Manner",
    "Numbers",
    "Outcome",
    "Place",
    "Reading",
    "Storage",
    "Texts",
)

Keyword = Literal[
    "USER",
    "PASS",
    "APOP",
    "AUTH",
    "STLS",
    "UTF8",
    "LANG",
    "CAPA",
    "QUIT",
    "STAT",
    "LIST",
    "RETR",
    "DELE",
    "NOOP",
    "RSET",
    "TOP",
    "UIDL",
    "LAST",
    "*ENV",
]

Heading = Literal[
    Keyword,
    "before",
    "after",
    "any",
]
"""What a text is for: a command, or all commands before the login, after it, or in both states."""

Outcome = Literal[
    # what went well
    "ok",
    "one",
    "listing",
    "deleting",
    "early",
    # what is no command here
    "unknown",
    "empty",
    "wrong_state",
    "disabled",
    "nul",
    "hidden",
    "too_long",
    "response_too_long",
    # arguments
    "bad_arguments",
    "missing",
    "extra",
    "blank",
    "malformed",
    "digest_missing",
    "bad_name",
    "not_a_number",
    "zero",
    "negative",
    "noise",
    "too_large",
    "lines_missing",
    "lines_not_a_number",
    "lines_negative",
    "lines_noise",
    "lines_too_large",
    "lines_extra",
    # messages
    "no_such",
    "deleted",
    "expunged",
    "exhausted",
    "kept",
    # the login
    "failed",
    "no_user",
    "unknown_user",
    "again",
    "in_use",
    "too_many",
    "withheld",
    "throttled",
    "ordinary",
    "polls",
    "in_clear",
    "too_soon",
    "already",
    "mechanism",
    "two_steps",
    "bad_response",
    "not_base64",
    "response_not_base64",
    "response_unpadded",
    "cancelled",
    # what is said before the server closes
    "bad_commands",
    "evicted",
    "idle",
]
"""How a command may end; each has a text."""

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


@dataclass(frozen=True)
class Texts:
    """The first lines of replies by outcome, without CRLF; an empty one is no reply at all.

    In braces stand what is filled in: ``{keyword}`` in upper case, ``{typed}`` as it came, ``{argument}`` all behind
    it, ``{rest}`` the part that could not be read, ``{number}``, ``{octets}``, ``{count}``, ``{total}``, ``{uid}``,
    ``{user}``, and ``{pid}``, ``{time}``, ``{host}`` and ``{stamp}`` of the greeting.
    """

    says: dict[Outcome, str] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Greeting:
    """The first line, and the timestamp that ``{stamp}`` stands for and APOP digests."""

    text: str = "+OK POP3 server ready"
    stamp: str = ""
    most: int = 0
    """How many connections there are at once; 0: any number of them."""
    full: str = ""
    """What one more is sent away with; "": nothing."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """What there is in one state, and how long it lasts."""

    commands: tuple[Keyword, ...] = ()
    """Those that there are; none in either state: those that the server offers, and all else is as ours does it."""
    capabilities: tuple[str, ...] = ()
    capabilities_in_clear: tuple[str, ...] = ()
    disabled: tuple[Keyword, ...] = ()
    """Commands that are known, and refused whatever stands behind them."""
    line: int = LINE_LIMIT
    """Octets of a line that is read, its end counted."""
    longer: Literal["refused", "cut", "echoed"] = "refused"
    """What becomes of a longer one: nothing of it is read, or each so many octets of it are a line, or only the first
    are, and it is sent back with the answer written over what stands behind them."""
    block: int = 8192
    """Octets of a line that are sent back at once; what is left of it is a line again."""
    bad: int = 0
    """How many bad commands close the connection; 0: none do."""
    bad_in_a_row: bool = True
    """Whether a good one between them lets the count begin anew."""
    bad_are: Literal["unknown", "refused"] = "unknown"
    """What counts as bad: a command that is not known here, or any that was refused."""
    bad_carried: bool = False
    """Whether those of the state before count as well."""
    bad_beside: tuple[Keyword, ...] = ()
    """Commands that are neither bad nor good: the count stands as it is."""
    idle: float = AUTOLOGOUT
    """Seconds without a command."""
    lasts: float = 0.0
    """Seconds of this state, from its beginning, whatever is said; 0: for ever."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """How a line becomes a keyword and what is behind it."""

    separators: str = " "
    leading: Literal["refused", "skipped"] = "refused"
    """Separators before the keyword."""
    trailing: Literal["refused", "one", "skipped"] = "refused"
    """Separators behind a command that has no more arguments."""
    superfluous: Literal["refused", "ignored", "first"] = "refused"
    """Arguments of a command that takes none; "first": refused, also where the state is wrong."""
    missing_first: tuple[Keyword, ...] = ()
    """Commands of which it is told that they lack an argument, also where the state is wrong."""
    extra_first: tuple[Keyword, ...] = ()
    """The same of an argument too many."""
    nul: Literal["part", "ends", "refused", "hides"] = "part"
    """What a NUL is: an octet like any other, the end of the line, a reason to refuse it, or what hides the line's end,
    so that nothing is answered before the next line has come, and is lost."""
    bare_lf: bool = False
    """Whether LF alone ends a line."""
    ahead: Literal["kept", "lost"] = "kept"
    """What becomes of commands that had come together with another one, behind it."""
    pieces: Literal["own", "one"] = "own"
    """Whether the answers to such commands go out one by one, or in one piece."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Numbers:
    """How message-numbers and numbers of lines are read."""

    signs: str = ""
    """The signs that are read."""
    separators: Literal["one", "run"] = "one"
    """What parts them: one separator, or a run of them."""
    words: Literal["refused", "zero"] = "refused"
    """What is no number."""
    noise: Literal["refused", "ignored", "at-end"] = "refused"
    """What stands directly behind the digits; "at-end": it is ignored behind the final number only."""
    extra: Literal["refused", "ignored"] = "refused"
    """What stands behind a separator behind the last number."""
    trailing: Literal["refused", "one", "ignored", "lost"] = "refused"
    """Nothing but separators there, or but one; "lost": none stands there, nor where no number does."""
    parting: str = ""
    """Separators that part a number from what stands behind it; others are noise there; "": all of them."""
    digits: int = 0
    """How many there may be; 0: any number of them."""
    largest: int = 10**18
    """Above it a number is too large."""
    wraps: int = 0
    """Bits that are kept of a number of 64, the first of them its sign; 0: all, and no number is negative."""
    negative_lines: Literal["refused", "whole"] = "refused"
    """What TOP makes of a negative number of lines."""
    zero: Literal["none", "first"] = "none"
    """Which message has the number 0."""
    largest_lines: int = 0
    """As ``largest``, for a number of lines; 0: the same."""
    lines_first: Literal["never", "unparted", "always"] = "never"
    """Whether a bad number of lines is told, and not that there is no such message: only that nothing parts the two, or
    whatever is wrong with it."""
    blank: Literal["nothing", "word"] = "nothing"
    """What further separators are where no number follows."""
    leading: str = ""
    """Octets that are skipped in front of digits, beside separators."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Login:
    """How one comes in."""

    name: Literal["word", "trimmed", "line"] = "word"
    """What USER takes: one word, the rest of the line without the separators at its end, or all of it."""
    password: Literal["first-word", "trimmed", "line"] = "line"  # noqa: S105  # how one is read
    """What PASS takes: what comes before the first separator, the rest of the line without those at its end, or all."""
    encoding: Literal["", "utf-8", "latin-1"] = ""
    """How the octets of PASS are read, where they need not be ASCII."""
    nothing: bool = False
    """Whether an empty password is a login, where ``empty`` has PASS."""
    unknown: Literal["taken", "refused"] = "taken"
    """What USER makes of a name that nobody has."""
    good: Literal["let-in", "refused"] = "let-in"
    """What becomes of one that is right; "refused": the maildrop is withheld, and not locked."""
    most: int = 0
    """How many sessions of one user there are at once; 0: any number of them."""
    longest_name: int = 0
    """Octets of the longest name that USER takes; 0: any."""
    octets: Literal["any", "ascii"] = "any"
    """Those that a name may have."""
    empty: tuple[Literal["USER", "PASS"], ...] = ()
    """Where nothing is taken for an argument."""
    letters: Literal["exact", "folded"] = "exact"
    """Whether a name may be typed in capitals."""
    user_again: Literal["replaces", "refused", "lost"] = "replaces"
    """USER behind USER; "lost": it is refused, and the first one is forgotten."""
    between: Literal["kept", "lost", "refused"] = "kept"
    """What becomes of the name when another command comes before PASS; "refused": it is lost, and no command but QUIT
    is known there."""
    failure: Literal["forgotten", "kept"] = "forgotten"
    """What becomes of it when the password is wrong."""
    malformed_apop: Literal["nothing", "names"] = "nothing"
    """Whether an APOP that has no digest says who the next PASS is for."""
    over_stls: Literal["forgotten", "kept"] = "forgotten"
    """What becomes of it when TLS begins."""
    ahead: Literal["kept", "lost"] = "kept"
    """What becomes of commands that had come together with PASS, behind it."""
    passwords_in_clear: bool = False
    mechanisms: tuple[str, ...] = ()
    initial: tuple[str, ...] = ()
    """Mechanisms that begin with the server, and take an initial response for the answer to that."""
    two_steps: tuple[str, ...] = ()
    """Mechanisms that take no initial response."""
    prompt: str = "+ "
    """An empty challenge."""
    response: int = 0
    """Octets of a line of an AUTH exchange, its end counted; 0: as of any line."""
    mechanisms_in_clear: tuple[str, ...] = ()
    needs_tls: bool = False
    """Whether nothing is taken in clear, whatever else is said here."""
    failing: str = ""
    """A mechanism that begins, and lets nobody in; "": none."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """What is answered to commands of TRANSACTION."""

    list_number: Literal["one", "ignored"] = "one"
    """Whether LIST with a number tells of one message, or of all."""
    top: Literal["asked", "whole", "fixed", "of-message"] = "asked"
    """Which lines of the body TOP sends, if any were asked for: so many, all, always ``top_lines``, or those that are
    among so many lines of the whole message."""
    top_zero: Literal["header", "whole"] = "header"
    """What it sends if none were."""
    top_lines: int = 10
    polls: Literal["", "STAT", "LIST", "UIDL"] = ""
    """The command that is refused in a session that began too soon behind the last one; "": none is."""
    top_most: int = 0
    """The largest number of lines that is not refused; 0: any."""
    noted: tuple[Keyword, ...] = ("RETR",)
    """Commands whose message counts for LAST."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delays:
    """Seconds for which an answer is held back, on the server's clock."""

    failed: float = 0.0
    """A refused login, that is one with any of these ``outcomes``."""
    outcomes: tuple[Outcome, ...] = ("failed",)
    penalty: tuple[float, ...] = (0.0,)
    """Any login, behind so many refused ones in a row from wherever."""
    in_use: float = 0.0
    """A login that finds the maildrop taken."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ends:
    """How a connection ends."""

    behind: tuple[Outcome, ...] = ()
    """Outcomes behind which the server closes."""
    close_notify: bool = True
    """Whether TLS is closed before TCP."""
    alerts: bool = True
    """Whether TLS says why there is no handshake."""
    stls_ahead: Literal["forgotten", "closes", "answered"] = "forgotten"
    """What becomes of octets in clear behind STLS."""
    stls_failed: Literal["closes", "goes-on"] = "closes"
    """What comes behind STLS where there was no handshake: the end, or more commands in clear."""
    unasked: Literal["notified", "bare"] = "notified"
    """Whether TLS is also closed before TCP where the client has not said QUIT."""
    unshaken: Literal["fin", "rst"] = "fin"
    """How TCP is closed on a client that speaks in clear where a handshake should be."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Storage:
    """How messages are kept, counted and named."""

    exclusive: bool = True
    """Whether one session at a time has the maildrop."""
    unfinished: Literal[0, 1, 2] = 0
    """Octets that are not announced of a final line end that is sent, but was not stored."""
    unique_id: str = ""
    """With ``{arrival}``, a number, ``{validity}``, one of the maildrop, and ``{digest}`` of the octets; "": ours."""
    named: str = ""
    """A header field that a message has from when its unique-id is first told, with ``{uid}``."""
    found: tuple[str, ...] = ()
    """Header fields that a message has from the end of the first session that found it, with ``{arrival}`` and
    ``{status}``: what is old, and retrieved or not."""
    first: tuple[str, ...] = ()
    """Fields before those in the first of them, with ``{validity}`` and ``{next}``, the arrival of what comes next."""
    bodiless: Literal["kept", "empty-line"] = "kept"
    """What becomes of a message without a body when it gets those fields: it stays without, or has an empty line."""
    gap: bool = False
    """Whether TOP sends an empty line too many before the lines of a body."""
    blank_line: Literal["", "headers", "always"] = ""
    """The empty line that an mbox has behind a message: sent with one that is all header, or with each."""
    fields: Literal["kept", "respaced"] = "kept"
    """What becomes of a header: it is kept as it came, or each field has one space behind its colon and none before
    it, what is no field is lost with all behind it, but for the body, and an empty line stands there in any case."""
    nul: Literal["sent", "cuts"] = "sent"
    """What a NUL does in a message: it is sent as any octet, or is lost with the rest of its line, and its end."""
    expunged: Literal["sent", "told"] = "sent"
    """What RETR makes of a message that another session has removed."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manner:
    """All of it.

    >>> Manner().reading.bare_lf, Manner().after.idle
    (False, 600.0)
    """

    greeting: Greeting = Greeting()
    before: Place = Place()
    after: Place = Place()
    replies: dict[Heading, Texts] = field(default_factory=dict)
    reading: Reading = Reading()
    numbers: Numbers = Numbers()
    top: Numbers | None = None
    """How TOP reads its two, where it is otherwise."""
    login: Login = Login()
    answers: Answers = Answers()
    delays: Delays = Delays()
    ends: Ends = Ends()
    storage: Storage = Storage()
    versions: str = ""
    """The versions of TLS that it speaks, as ``Tls(versions=...)`` has them; "": as ours."""
    alpn: Literal["refuse", "ignore"] = "refuse"
    """What becomes of a client that offers other protocols by ALPN than ours."""
