"""SASLprep (RFC 4013)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pop3s_fake.maildrop.saslprep import Unprepared, saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("", ""),
        ("a\u00a0b\u3000c", "a b c"),
        ("e\u0301", "\u00e9"),
        ("\u0627\u0628", "\u0627\u0628"),
        ("\u0627\u0031\u0628", "\u06271\u0628"),
        ("\ufe0f\u200b", ""),
    ],
)
def test_text_comes_into_one_form(text: str, prepared: str) -> None:
    """The examples of RFC 4013 section 3, the spaces and the nothing of section 2.1, the NFKC of section 2.2."""
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\u0007", "has a control character, U+0007"),
        ("\u0627\u0031", "has right-to-left characters, but not first and last"),
        ("a\u0627", "has left-to-right and right-to-left characters"),
        ("\ue000", "has a character of private use, U+E000"),
        ("\ufdd0", "has a code point that is no character, U+FDD0"),
        ("\ud800", "has a surrogate, U+D800"),
        ("\ufffd", "has a character that is unfit for plain text, U+FFFD"),
        ("\u2ff0", "has a character that is unfit for canonical representation, U+2FF0"),
        ("\u200e", "has a character that changes display or is deprecated, U+200E"),
        ("\U000e0041", "has a tagging character, U+E0041"),
    ],
)
def test_what_is_prohibited_is_told(text: str, why: str) -> None:
    """The examples of RFC 4013 section 3, and each table of section 2.3."""
    with pytest.raises(Unprepared) as refused:
        saslprep(text)
    assert str(refused.value) == why


def test_a_later_character_may_be_asked_for_and_not_be_stored() -> None:
    """RFC 4013 section 2.5, RFC 3454 section 7: U+1E9E came after Unicode 3.2."""
    assert saslprep("\u1e9e") == "\u1e9e"
    with pytest.raises(Unprepared) as refused:
        saslprep("\u1e9e", stored=True)
    assert str(refused.value) == "has a code point that Unicode 3.2 does not know, U+1E9E"


@settings(deadline=None)
@given(st.text())
def test_what_is_prepared_stays_as_it_is(text: str) -> None:
    """Preparing twice is preparing once, and nothing but Unprepared is ever raised."""
    try:
        prepared = saslprep(text)
    except Unprepared:
        return
    assert saslprep(prepared) == prepared
