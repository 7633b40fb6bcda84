"""Quirks beside each other: which contradict, which do not, that their order does not matter, and odd parameters."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from pop3s_fake import Pop3sServer, UsageError
from pop3s_fake.quirks import Asked, asked, demands, quirk, quirk_ids, rules_of_all
from pop3s_fake.quirks.asking import in_order
from tests.quirks.talking import logged_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


def made_of(quirks: Sequence[str], make: Callable[[Sequence[Asked]], object]) -> object:
    """What is made of these quirks; None where they contradict each other."""
    try:
        several = asked(quirks)
    except UsageError:
        return None
    return make(several)


def whole(several: Sequence[Asked]) -> object:
    """All that a server has of them."""
    return [f"{rule.origin}: {rule}" for rule in rules_of_all(several)], demands(several)


CHANGING = [name for name in quirk_ids() if quirk(name).changes]


@pytest.mark.parametrize(("names", "make"), [(quirk_ids(), in_order), (CHANGING, whole)], ids=["all", "changing"])
def test_the_order_of_two_quirks_does_not_matter(
    names: Sequence[str], make: Callable[[Sequence[Asked]], object]
) -> None:
    """Each two of the catalogue: the same server, or an error, whichever stands first."""
    odd = [pair for pair in combinations(names, 2) if made_of(pair, make) != made_of(pair[::-1], make)]
    assert odd == []


@pytest.mark.parametrize(
    ("quirks", "script", "told"),
    [
        (
            ["uidl-extra-spaces", "uidl-duplicate"],
            "UIDL",
            "+OK unique-id listing follows\r\n1   same\r\n2   same\r\n.\r\n",
        ),
        (
            ["uidl-extra-spaces", "uidl-odd-characters", "uidl-reused"],
            "UIDL",
            "+OK unique-id listing follows\r\n1   é /1\r\n2   é /2\r\n.\r\n",
        ),
        (["uidl-extra-spaces", "uidl-arg-no-number"], "UIDL 2", "+OK m2\r\n"),
        (["uidl-extra-spaces", "uidl-arg-multiline"], "UIDL 2", "+OK\r\n2   m2\r\n.\r\n"),
        (
            ["uidl-ok-on-every-line", "uidl-extra-spaces", "disk-full-uidl"],
            "UIDL",
            "+OK unique-id listing follows\r\n+OK 1   ENOMEM-1\r\n.\r\n",
        ),
        (
            ["uidl-too-long(length=71)", "uidl-blank"],
            "UIDL",
            f"+OK unique-id listing follows\r\n1 \r\n2 m2{69 * 'x'}\r\n.\r\n",
        ),
        (
            ["size-wrong", "list-size-not-number"],
            "LIST",
            "+OK 2 messages (2048 octets)\r\n1 %!d(float64=1024)\r\n2 %!d(float64=1024)\r\n.\r\n",
        ),
        (["size-wrong", "stat-over-32bit"], "STAT", "+OK 2 4294967300\r\n"),
        (["top-not-stuffed", "no-dot-stuffing"], "TOP 1 9", None),
    ],
)
def test_what_is_told_comes_before_how_it_is_written(
    play: Callable[..., Any], quirks: list[str], script: str, told: str | None
) -> None:
    """No quirk of the reply keeps another from its part, in either order."""
    one, other = (play(order, [script]).seen for order in (quirks, quirks[::-1]))
    assert one == other
    assert told is None or one == [told]


def test_a_refusal_is_worded_and_then_misspelt(play: Callable[..., Any]) -> None:
    """The text of one and the indicator of the other."""
    for text in ("app-password-required", "auth-err-without-text", "user-needs-full-address", "non-ascii-error-text"):
        alone = play([text], ["(greeting)", "USER ann", "PASS wrong"]).seen[-1]
        for quirks in ([text, "plus-err"], ["plus-err", text]):
            assert play(quirks, ["(greeting)", "USER ann", "PASS wrong"]).seen[-1] == alone.replace("-ERR", "+ERR")


def test_capabilities_change_before_their_case(play: Callable[..., Any]) -> None:
    """What is left out stays out."""
    for other in ("capa-omits-uidl", "capa-misspelt", "login-delay-not-enforced", "expire-advisory"):
        seen = play(["capa-wrong-case", other], ["CAPA"]).seen[0]
        words = [line.partition(" ")[0] for line in play([other], ["CAPA"]).seen[0].split("\r\n")[1:]]
        assert [line.partition(" ")[0] for line in seen.split("\r\n")[1:]] == [word.lower() for word in words]


@pytest.mark.parametrize(
    ("one", "others"),
    [
        ("login-delay-not-enforced", ["login-delay-code"]),
        (
            "uidl-unsupported",
            [
                *("uidl-extra-spaces", "uidl-arg-multiline", "uidl-blank", "uidl-duplicate", "uidl-all-changed"),
                *("uidl-arg-no-number", "uidl-ok-on-every-line", "uidl-too-long", "uidl-odd-characters"),
                *("uidl-reused", "uidl-format-zoo", "wrong-number-in-reply", "capa-omits-uidl", "capa-lies-uidl"),
            ],
        ),
        ("capa-lies-uidl", ["uidl-blank", "uidl-too-long", "capa-omits-uidl"]),
        (
            "top-unsupported",
            [
                *("top-truncated", "top-zero-gives-all", "top-differs-from-retr", "top-not-stuffed"),
                *("top-counts-wrong", "top-large-count", "top-sets-seen", "top-headers-cut"),
            ],
        ),
        ("list-arg-ignored", ["list-arg-no-number"]),
        ("dele-acts-at-once", ["uidl-deleted-still-there"]),
        ("utf8-after-login", ["utf8-wrapped"]),
        ("capa-err", ["capa-wrong-case", "capa-misspelt", "capa-dot-line", "capa-user-missing"]),
        ("capa-hangs", ["capa-wrong-case"]),
        ("capa-closes", ["capa-misspelt"]),
        ("quit-no-reply", ["quit-err-partial"]),
        ("expunge-without-quit", ["no-quit-means-no-delete"]),
        ("dot-stuffed-lines", ["no-dot-stuffing"]),
        ("empty-list", ["huge-mailbox"]),
        ("reply-after-terminator-same-segment", ["slow-drip", "terminator-split", "retr-status-text-varies"]),
    ],
)
def test_two_of_which_one_never_shows_are_refused(one: str, others: list[str]) -> None:
    """Both are named, whichever stands first."""
    for other in others:
        for quirks in ([one, other], [other, one]):
            with pytest.raises(UsageError) as caught:
                asked(quirks)
            assert str(caught.value).startswith(f"quirks {quirks[0]!r} and {quirks[1]!r} contradict each other: ")


def test_it_is_told_what_is_left_for_none_to_change() -> None:
    """A command that never succeeds."""
    with pytest.raises(UsageError) as caught:
        asked(["uidl-unsupported", "uidl-blank"])
    assert str(caught.value) == (
        "quirks 'uidl-unsupported' and 'uidl-blank' contradict each other: 'uidl-unsupported' leaves no UIDL for the "
        "other one to change; leave one of them out"
    )


@pytest.mark.parametrize(
    "quirks",
    [
        ["retr-quota", "retr-temporary-err(number=2)"],
        ["no-dot-stuffing", "top-not-stuffed"],
        ["uidl-unsupported", "capa-wrong-case"],
        ["capa-err", "terminator-split"],
        ["capa-err", "capa-mechanism-that-fails"],
    ],
)
def test_two_that_both_show_are_taken(quirks: list[str]) -> None:
    """A command that is refused leaves the others."""
    assert len(asked(quirks)) == len(quirks)


@pytest.mark.parametrize(
    ("name", "script", "told"),
    [
        ("retr-expunged", "RETR 1", b"-ERR Message 1 expunged."),
        ("capa-err", "CAPA", b"-ERR unknown command"),
        ("quit-ok-but-failed", "QUIT", b"+OK Signing off, but message deletion failed"),
    ],
)
def test_a_quirk_stands_on_top_of_what_a_dialect_does_to_every_command(name: str, script: str, told: bytes) -> None:
    """Its rule is the last that was asked for, so it has its way."""
    with Pop3sServer(dialect="exchange-online", quirks=[name], strict=False) as server:
        server.maildrop.add_one("Subject: one\n\n", uid="m1")
        with logged_in(server) as client:
            client._putcmd(script)  # type: ignore[attr-defined]  # to see the line alone
            assert client._getline()[0] == told


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "uidl-extra-spaces(spaces=€)",
            "parameter 'spaces' of quirk 'uidl-extra-spaces' is text in Latin-1, of which '€' is not",
        ),
        (
            "status-header-added(field=€)",
            (
                "parameter 'field' of quirk 'status-header-added' is a field of a header, such as 'Status: RO', of at "
                "most 400 printable characters, not '€'"
            ),
        ),
        (
            "no-message-id(field=a:b)",
            (
                "parameter 'field' of quirk 'no-message-id' is the name of a field, such as 'Message-ID', of at most "
                "400 printable characters, not 'a:b'"
            ),
        ),
        (
            'uidl-duplicate(uid="a\r\nb")',
            ("parameter 'uid' of quirk 'uidl-duplicate' is text of at most 400 printable characters, not 'a\\r\\nb'"),
        ),
        (
            f"uidl-duplicate(uid={500 * 'x'})",
            (
                "parameter 'uid' of quirk 'uidl-duplicate' is text of at most 400 printable characters, not "
                f"'{40 * 'x'}'... of 500 characters"
            ),
        ),
        (
            "long-lines(octets=999999999)",
            "parameter 'octets' of quirk 'long-lines' is a whole number from 1 to 16777216, not '999999999'",
        ),
        (
            "uidl-too-long(length=999999999)",
            "parameter 'length' of quirk 'uidl-too-long' is a whole number from 71 to 65536, not '999999999'",
        ),
        (
            "gmail-batches(size=99999999999)",
            "parameter 'size' of quirk 'gmail-batches' is a whole number from 1 to 999999999, not '99999999999'",
        ),
        (
            "terminator-split(later=1, later=2)",
            (
                "parameter 'later' of quirk 'terminator-split' stands there twice, as '1' and as '2'; leave one of "
                "them out"
            ),
        ),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(text: str, complaint: str) -> None:
    """At the call, with what would be right."""
    with pytest.raises(UsageError) as caught:
        Pop3sServer(quirks=[text])
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        (r'uidl-duplicate(uid="x\\9")', r"1 x\9"),
        (r'uidl-duplicate(uid="\\g<0>")', r"1 \g<0>"),
        (r'uidl-extra-spaces(spaces="[")', "1[m1"),
        (r'uidl-format-zoo(form="\\1-\\2")', r"1 1-\2"),
        ("uidl-duplicate(uid=é)", "1 é"),
    ],
)
def test_a_text_means_nothing_but_itself(play: Callable[..., Any], name: str, listed: str) -> None:
    """Whatever its characters mean elsewhere."""
    assert play([name], ["UIDL"]).seen[0].split("\r\n")[1] == listed


def test_which_capabilities_come_late_is_a_parameter(play: Callable[..., Any]) -> None:
    """Gmail lists PIPELINING after the login only, and all else before it, too."""
    lines = play(["capa-differs-after-auth(tags=pipelining)"], ["(greeting)", "CAPA"]).seen[1].split("\r\n")
    assert {"TOP", "UIDL"} <= set(lines)
    assert "PIPELINING" not in lines


def test_where_a_blank_line_stands_is_a_parameter(play: Callable[..., Any]) -> None:
    """In the answers to TOP alone, as with hMailServer."""
    seen = play(["extra-blank-line-at-end(at=TOP)"], ["RETR 2", "TOP 2 9"]).seen
    assert [text.endswith("a line\r\n\r\n.\r\n") for text in seen] == [False, True]
