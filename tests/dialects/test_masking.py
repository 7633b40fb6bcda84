"""A mask takes the one token that varies, and leaves all else to be compared."""

from __future__ import annotations

import re
import tomllib
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pop3s_fake.dialects.catalogue import RECORDED, text
from tests.dialects.masking import Mask, all_masks, masked
from tests.dialects.replaying import recording, recordings

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 56
"""Octets of a token."""

LEFT = 2
"""Octets of a line that are compared, whatever it is."""

ORDINARY = (
    *("", ".", "+OK", "-ERR", "+OK ready", "+OK 2 320", "+OK 1 120", "1 120", "+OK 2 messages (320 octets)", "-ERR no"),
    *("+ ", "+ VXNlcm5hbWU6", "+ UGFzc3dvcmQ6", "Subject: one", "X-Count: 1795431499", "a line of text", "1795431499"),
    *(
        f"+ {b64encode(each).decode()}"
        for each in (b'realm="",nonce="0123456789abcdef",qop="auth"', b"<a word>", b"<1.2>")
    ),
)
"""Lines in which nothing varies."""


def texts(name: str) -> Iterator[str]:
    """What a dialect says, with a word in place of its tokens."""
    for texts in tomllib.loads(text(name)).get("replies", {}).values():
        for each in texts.get("says", {}).values():
            yield re.sub(r"\{[^}]*\}", "x", each)


def faults(mask: Mask) -> Iterator[str]:
    """What is wrong with it."""
    for line in (mask.there, mask.here):
        if (found := mask.on(f"{line}\r\n")) != f"{mask.leaves}\r\n":
            yield f"of {line!r} is left {found!r}"
    lines = [*mask.unlike, *ORDINARY, *(each for name in mask.of for each in texts(name))]
    for line in lines:
        if mask.on(f"{line}\r\n") != f"{line}\r\n":
            yield f"it touches {line!r}"
    for name in mask.of:
        heard = [
            line
            for scenario in recording(name)["scenarios"].values()
            for event in scenario["events"]
            if event["ev"] == "recv"
            for line in event["data"].split("\r\n")
        ]
        tokens = [(line, token) for line in heard for token in mask.found(f"{line}\r\n")]
        if len(tokens) != mask.tokens.get(name):
            yield f"there are {len(tokens)} of them in {name}"
        for line, token in tokens:
            if len(token) > LONGEST or re.search(r"\s", token):
                yield f"{token!r} is no token"
            if len(mask.on(f"{line}\r\n")) < LEFT + len(f"<{mask.name}>\r\n"):
                yield f"nothing is left of {line!r}"


@pytest.mark.parametrize("mask", all_masks(), ids=lambda mask: f"{mask.name} of {', '.join(mask.of)}")
def test_a_mask_takes_a_token_and_nothing_else(mask: Mask) -> None:
    """It is of one form, is told by an example, and stands so many times in a recording."""
    assert not list(faults(mask))
    assert len(mask.unlike) >= 3
    assert set(mask.tokens) == set(mask.of) <= set(RECORDED)


@pytest.mark.parametrize(
    "token",
    [
        r"^(?:\+OK|-ERR) ?(.*)\r$",
        r"^(.*)\r$",
        r"(\d+)",
        r"^(?:\+OK )?\d+ (\S+)\r$",
        r"^(?:\+OK )?\d+ ([0-9a-f]+)\r$",
        r"^((?:\+OK )?\d+ [0-9a-f]{16})\r$",
    ],
)
def test_a_mask_that_takes_more_is_found_out(token: str) -> None:
    """Also if its numbers are right."""
    digest = next(each for each in all_masks() if each.of == ("popa3d",))
    wide = replace(digest, token=token)
    heard = [event for each in recording("popa3d")["scenarios"].values() for event in each["events"]]
    lines = [line for event in heard if event["ev"] == "recv" for line in event["data"].split("\r\n")]
    counted = replace(wide, tokens={"popa3d": sum(1 for line in lines for _ in wide.found(f"{line}\r\n"))})
    sworn = replace(counted, unlike=(), leaves=counted.on(f"{digest.there}\r\n").removesuffix("\r\n"))

    assert list(faults(wide))
    assert list(faults(sworn))


def test_a_challenge_is_compared_but_for_its_token() -> None:
    """What stands around it is not taken for it; nor is a line that is no base64, or that of another server."""
    said = {
        text: b"+ %b\r\n" % b64encode(text.encode()) for text in ("<0123456789012345.1795431741@vm>", "<0123@vm>", "x")
    }

    assert [masked("dovecot-rich", each) for each in said.values()] == [
        b"+ <<challenge>>\r\n",
        *list(said.values())[1:],
    ]
    assert masked("courier", said["<0123456789012345.1795431741@vm>"]) in said.values()
    assert masked("dovecot-rich", b"+ PDQx=OTM\r\n") == b"+ PDQx=OTM\r\n"


def test_every_mask_is_of_a_recording() -> None:
    """And each recording that needs one has it."""
    assert {name for mask in all_masks() for name in mask.of} == set(recordings())
