from __future__ import annotations

from typing import Any

import pytest

from pop3s_fake import Pop3sServer, UsageError
from pop3s_fake.server.options import ServerOptions, check_keywords, merged


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"certificate": "expird"}, "unknown certificate 'expird'; did you mean 'expired'?"),
        ({"client_certificate": "require"}, "unknown client_certificate 'require'; did you mean 'required'?"),
        ({"allow": ["c-2449-41"]}, "unknown requirement in allow= 'c-2449-41'; did you mean 'C-2449-4.1'?"),
        (
            {"allow": ["C-6186-3"]},
            "allow= has 'C-6186-3', which this server cannot see by itself: the DNS is not ours",
        ),
        ({"allow": "C-1939-3.2"}, "allow= is a list, not the text 'C-1939-3.2'"),
        ({"names": "mail.example"}, "names= is a list, not the text 'mail.example'"),
        ({"accounts": "ann"}, "accounts= is a list, not the text 'ann'"),
        ({"accounts": []}, "accounts= is empty: nobody could log in"),
        ({"strict": "must"}, "strict= is True, False or 'should', not 'must'"),
        ({"port": 65536}, "port= is a number from 0 to 65535, not 65536"),
        ({"port": "995"}, "port= is a number from 0 to 65535, not '995'"),
        ({"deadline": 0}, "deadline= is a number of seconds above 0, or None, not 0"),
        ({"deadline": -1.5}, "deadline= is a number of seconds above 0, or None, not -1.5"),
        ({"capabilities": "USER"}, "capabilities= is a list, not the text 'USER'"),
        (
            {"capabilities": 5},
            "capabilities= is a list of capability lines, such as ['USER', 'TOP'] or ['+SASL CRAM-MD5', '-TOP'], not 5",
        ),
        ({"capabilities": ["UILD"]}, "capabilities=: unknown capability 'UILD'; did you mean 'UIDL'?"),
        (
            {"capabilities": ["+SASL PLIAN"]},
            "capabilities=: unknown SASL mechanism 'PLIAN'; did you mean 'PLAIN'?",
        ),
        ({"dialect": 5}, "dialect= is the id of a dialect, such as 'dovecot', or a Dialect, not 5"),
        ({"exclusive": "no"}, "exclusive= is True, False or None, not 'no'"),
        ({"port": True}, "port= is a number from 0 to 65535, not True"),
        ({"port": 1.0}, "port= is a number from 0 to 65535, not 1.0"),
        ({"deadline": "5"}, "deadline= is a number of seconds above 0, or None, not '5'"),
        ({"deadline": float("inf")}, "deadline= is a number of seconds above 0, or None, not inf"),
        ({"seed": 1.5}, "seed= is a whole number, or None, not 1.5"),
        ({"accounts": 5}, "accounts= is a list of Account objects, not 5"),
        ({"accounts": [5]}, "accounts= is a list of Account objects, not [5]"),
        ({"names": None}, "names= is a list of host names, not None"),
        ({"names": ()}, "names= is a list of host names, not ()"),
        ({"names": (5,)}, "names= is a list of host names, not (5,)"),
        ({"allow": 5}, "allow= is a list of the ids of requirements, such as ['C-1939-3.2'], not 5"),
        ({"rules": 5}, "rules= is a list of rules, each a text such as 'RETR -> end rst' or a Rule, not 5"),
        ({"rules": "RETR -> end rst"}, "rules= is a list, not the text 'RETR -> end rst'"),
        ({"strict": []}, "strict= is True, False or 'should', not []"),
        ({"certificate": None}, "certificate= is the id of a certificate, such as 'expired', not None"),
        (
            {"client_certificate": True},
            "client_certificate= is 'required', 'optional' or None, not True",
        ),
        ({"clock": "x"}, "clock= is a clock, such as ManualClock(), not 'x'"),
        ({"tls": "1.2"}, "tls= is a Tls object, such as Tls(versions='1.2'), not '1.2'"),
        ({"authority": "x"}, "authority= is an Authority, not 'x'"),
        ({"stls": "yes"}, "stls= is True, False or a port from 1 to 65535, not 'yes'"),
        ({"stls": 65536}, "stls= is True, False or a port from 1 to 65535, not 65536"),
        ({"dialect": "dovcot"}, "unknown dialect 'dovcot'; did you mean 'dovecot'?"),
        ({"case": 5}, "case= is the id of a case, such as 'rec.truncate', not 5"),
        ({"cassette": "a"}, "cassette= is not there yet: cassettes will come with a later version"),
    ],
)
def test_a_keyword_that_cannot_be_is_an_error_at_the_call(keywords: dict[str, Any], text: str) -> None:
    """In the caller's thread, with what would be right; the options object says the same."""
    for call in (Pop3sServer, ServerOptions):
        with pytest.raises(UsageError) as caught:
            call(**keywords)
        assert str(caught.value) == text


def test_an_unknown_keyword_has_its_nearest_name() -> None:
    """Wherever keywords come from."""
    with pytest.raises(UsageError) as caught:
        ServerOptions.of({"certifcate": "good"})
    assert str(caught.value) == "unknown keyword 'certifcate'; did you mean 'certificate'?"
    with pytest.raises(UsageError) as caught:
        check_keywords(["sede"], "the marker of test_mail.py")
    assert str(caught.value) == "the marker of test_mail.py: unknown keyword 'sede'; did you mean 'seed'?"
    check_keywords(["seed", "port"])
    with pytest.raises(UsageError) as caught:
        Pop3sServer(certifcate="good")  # type: ignore[arg-type]
    assert str(caught.value) == "unknown keyword 'certifcate'; did you mean 'certificate'?"


def test_options_know_the_keywords_of_the_server_and_their_defaults() -> None:
    """One list of keywords: what the server takes, the marker takes."""
    import inspect  # noqa: PLC0415  # only here

    parameters = dict(inspect.signature(Pop3sServer).parameters)
    assert parameters.pop("unknown").kind is inspect.Parameter.VAR_KEYWORD  # what is mistyped comes there
    taken = {name: parameter.default for name, parameter in parameters.items()}
    assert taken == {name: getattr(ServerOptions(), name) for name in ServerOptions.__dataclass_fields__}


def test_layers_of_keywords_become_one() -> None:
    """Single values: the nearest; lists: all of them; None clears."""
    assert merged([]) == {}
    assert merged([{"certificate": "good", "seed": 1}, {"certificate": "expired"}]) == {
        "certificate": "expired",
        "seed": 1,
    }
    assert merged([{"allow": ["a"]}, {"allow": ["b", "c"]}, {"allow": ()}]) == {"allow": ["a", "b", "c"]}
    assert merged([{"allow": ["a"]}, {"allow": None}, {"allow": ["b"]}]) == {"allow": ["b"]}
    assert merged([{"port": 995}, {"port": None}]) == {}
