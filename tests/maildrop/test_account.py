"""Accounts: what they are called, what proves who somebody is, and what each login finds."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop import Account, Accounts, Login, Maildrop, MaildropInUse

PASSWORD = "not-a-secret"


def found(account: Account) -> list[str]:
    """The unique-ids that one login finds."""
    session = account.open(object())
    uids = [uid for _, uid in session.unique_ids()]
    session.close()
    return uids


def derived(*sources: str) -> list[str]:
    """The unique-ids of these messages."""
    return [message.uid for message in Maildrop().add(*sources)]


def test_an_account_has_a_maildrop_of_its_own_or_the_one_it_was_given() -> None:
    """Two accounts may share one."""
    maildrop = Maildrop()
    assert Account("ann", PASSWORD, maildrop=maildrop).maildrop is maildrop
    assert Account("ann", PASSWORD).maildrop is not Account("ann", PASSWORD).maildrop


@pytest.mark.parametrize("password", [PASSWORD, " two  words ", "~!\"'\\"])
def test_only_the_password_itself_is_right(password: str) -> None:
    """RFC 1939 section 7, PASS: all that follows the first space, verbatim."""
    account = Account("ann", password)
    assert account.check_password(password.encode())
    for wrong in (b"", password.encode() + b" ", password.encode()[:-1], password.upper().encode() + b"X", b"\xff"):
        assert not account.check_password(wrong)


def test_the_digest_of_apop_is_that_of_rfc_1939() -> None:
    """RFC 1939 section 7, APOP: MD5 of timestamp and secret in lower-case hex."""
    account = Account("mrose", "other", secret="tanstaaf")
    timestamp, digest = "<1896.697170952@dbc.mtview.ca.us>", "c4c9334bac560ecc979e58001b3e22fb"
    assert account.check_digest(timestamp, digest)
    for wrong in (digest.upper(), digest[:-1], digest[:-1] + "c", "", "\udcff"):
        assert not account.check_digest(timestamp, wrong)
    assert not account.check_digest("<other@dbc.mtview.ca.us>", digest)


def test_the_secret_is_the_password_unless_given() -> None:
    """RFC 1939 section 13 would rather have them differ; most servers store one."""
    assert Account("ann", PASSWORD).secret == PASSWORD
    assert Account("ann", PASSWORD, secret="Grüße").secret == "Grüße"


def test_nothing_that_shows_itself_shows_the_password() -> None:
    """A report shows local variables and failed assertions."""
    account = Account("ann", PASSWORD, secret="the-other-one")
    shown = f"{account!r} {account} {account.login!r} {account.login} {Accounts([account])!r}"
    assert shown == (
        "<Account 'ann'> <Account 'ann'> Login(user='ann', password='***') Login(user='ann', password='***') "
        "<Accounts: ann>"
    )


def test_a_login_is_a_user_and_a_password() -> None:
    """For `poplib`: `client.user(login.user)`; for others: `*login`."""
    login = Account("ann", PASSWORD).login
    assert login == Login("ann", PASSWORD) == ("ann", PASSWORD)


USER = "USER takes printable characters without spaces (RFC 2449 section 3, RFC 6856 section 2.2)"
TOKEN = "a token is printable ASCII without spaces (RFC 6750 section 2.1)"
NOBODY = "nobody could log in with it (RFC 4013 section 2)"
PASS = "no PASS line can carry it (RFC 1939 section 3)"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"name": ""}, "the name of an account is empty"),
        ({"name": "a b"}, f"account name 'a b' has ' ' at position 1; {USER}"),
        ({"name": "ann\r"}, f"account name 'ann\\r' has '\\r' at position 3; {USER}"),
        ({"name": "jür\u00a0gen"}, f"account name 'jür\\xa0gen' has '\\xa0' at position 3; {USER}"),
        (
            {"name": "a\u00b4"},
            f"account name 'a\u00b4', after SASLprep 'a \u0301', has ' ' at position 1; {USER}",
        ),
        (
            {"name": "\u0627ann"},
            f"the name of an account has left-to-right and right-to-left characters: {NOBODY}",
        ),
        ({"name": b"ann"}, "the name of an account must be a str, not bytes"),
        ({"password": ""}, "the password of an account is empty"),
        ({"password": None}, "the password of an account must be a str, not NoneType"),
        ({"password": "hidden\r\n"}, f"the password has the control character '\\r' at position 6: {PASS}"),
        ({"password": "hidden\x00"}, f"the password has the control character '\\x00' at position 6: {PASS}"),
        ({"password": "\u00ad"}, "the password of an account is empty after SASLprep (RFC 4013 section 2.1)"),
        (
            {"password": "hidden\U0001f600"},
            f"the password of an account has a code point that Unicode 3.2 does not know, U+1F600: {NOBODY}",
        ),
        (
            {"secret": "hidden\ue000"},
            f"the secret of an account has a character of private use, U+E000: {NOBODY}",
        ),
        ({"secret": ""}, "the secret of an account is empty"),
        ({"secret": b"hidden"}, "the secret of an account must be a str, not bytes"),
        ({"maildrop": ["a"]}, "maildrop must be a Maildrop, not list"),
        ({"token": ""}, "the token of an account is empty"),
        ({"token": b"hidden"}, "the token of an account must be a str, not bytes"),
        ({"token": "hidden token"}, f"the token has ' ' at position 6; {TOKEN}"),
        ({"token": "hiddén"}, f"the token has 'é' at position 4; {TOKEN}"),
        ({"token_expires": 3600.0}, "token_expires needs a token; give the account one: token=..."),
        ({"token": "t", "token_expires": -1}, "a token expires after a number of seconds from 0, not -1"),
        ({"token": "t", "token_expires": "soon"}, "a token expires after a number of seconds from 0, not 'soon'"),
        ({"token": "t", "token_expires": True}, "a token expires after a number of seconds from 0, not True"),
        ({"token": "t", "token_expires": float("nan")}, "a token expires after a number of seconds from 0, not nan"),
    ],
)
def test_a_mistake_in_an_account_is_told_at_the_call(arguments: dict[str, Any], problem: str) -> None:
    """And no password is shown in telling it."""
    with pytest.raises(UsageError) as caught:
        Account(**{"name": "ann", "password": PASSWORD, **arguments})
    assert str(caught.value) == problem
    assert "hidden" not in problem


def test_names_and_passwords_are_stored_after_saslprep() -> None:
    """RFC 4013: however they were typed."""
    account = Account("jose\u0301", "pa\u0308ss\u00a0\u2168\u00ad")
    assert account.login == ("jos\u00e9", "p\u00e4ss IX")
    assert account.secret == account.login.password
    assert Account("ann", PASSWORD, secret="se\u0301same").secret == "s\u00e9same"
    assert account.check_password("p\u00e4ss IX".encode())


def test_a_script_says_what_each_login_finds_and_the_last_stays() -> None:
    """The same octets are the same message, whichever login finds them."""
    account = Account("ann", PASSWORD)
    account.script(["a"], ["a", "b"], ["b"])
    a, b = derived("a", "b")
    assert [found(account) for _ in range(4)] == [[a], [a, b], [b], [b]]


def test_the_maildrop_of_a_scripted_account_is_what_the_last_login_found() -> None:
    """Before the first login, what it will find: mail added then is found."""
    account = Account("ann", PASSWORD)
    account.script(["a"], [])
    account.maildrop.add("b")
    assert found(account) == account.maildrop.uids == derived("a", "b")
    assert found(account) == account.maildrop.uids == []


def test_deletions_hold_once_the_script_is_at_its_end() -> None:
    """Before, the script says what is there, whatever was deleted."""
    account = Account("ann", PASSWORD)
    account.script(["a"], ["a"])
    for expected in (1, 1, 0):
        session = account.open("session")
        assert session.stat()[0] == expected
        session.mark(1)
        session.update()
        session.close()


def test_a_source_listed_twice_is_two_messages() -> None:
    """And the second copy is the same second copy in the next list."""
    account = Account("ann", PASSWORD)
    account.script(["a", "a"], ["a", "a", "a"])
    (a,) = derived("a")
    assert found(account) == [a, f"{a}-2"]
    assert found(account) == [a, f"{a}-2", f"{a}-3"]


def test_a_script_may_hold_maildrops() -> None:
    """With their own unique-ids and generated messages."""
    account = Account("ann", PASSWORD)
    maildrop = Maildrop()
    maildrop.add_one("a", uid="x1")
    account.script(["b"], maildrop)
    assert found(account) == derived("b")
    assert found(account) == ["x1"]
    assert account.maildrop is maildrop


def test_the_lists_of_a_live_account_are_live() -> None:
    """They stand in for its maildrop."""
    account = Account("ann", PASSWORD, maildrop=Maildrop(live=True))
    account.script(["a"])
    session = account.open("session")
    account.maildrop.add("b")
    assert session.stat()[0] == 2


def test_scripting_again_starts_over() -> None:
    """Logins before do not count."""
    account = Account("ann", PASSWORD)
    account.script(["a"], [])
    found(account)
    account.script(["b"], ["c"])
    assert [found(account), found(account)] == [derived("b"), derived("c")]


def test_a_refused_login_does_not_count() -> None:
    """RFC 1939 section 4: also the maildrop of an earlier login, or of an earlier script, is locked."""
    account = Account("ann", PASSWORD)
    account.script(["a"], ["b"])
    session = account.open("session 1")
    for _ in range(3):
        with pytest.raises(MaildropInUse, match=r"^the maildrop is in use by 'session 1'$"):
            account.open("session 2")
    assert account.maildrop.uids == derived("a")
    session.close()
    session = account.open("session 2")
    assert [uid for _, uid in session.unique_ids()] == derived("b")
    account.script(["c"])
    with pytest.raises(MaildropInUse):
        account.open("session 3")
    assert account.open("session 3", exclusive=False).uid(1) == derived("c")[0]
    with pytest.raises(MaildropInUse):
        account.open("session 4")
    session.close()
    assert account.open("session 4").uid(1) == derived("c")[0]


def test_an_owner_that_has_the_maildrop_may_log_in_again() -> None:
    """As with `Maildrop.open`."""
    account = Account("ann", PASSWORD)
    account.script(["a"], ["b"])
    owner = object()
    assert [account.open(owner).uid(1) for _ in range(2)] == derived("a", "b")


def test_sources_of_a_script_are_read_at_the_call(tmp_path: Path) -> None:
    """A missing file is told there, and the script before stays."""
    account = Account("ann", PASSWORD)
    account.script(["a"])
    missing = tmp_path / "gone.eml"
    with pytest.raises(UsageError) as caught:
        account.script(["b"], [missing])
    assert str(caught.value) == f"cannot read the message '{missing}': No such file or directory"
    assert found(account) == derived("a")


@pytest.mark.parametrize("given", ["a message", b"a message", EmailMessage(), Path("a.eml"), 3, iter(["a"])])
def test_a_state_of_a_script_is_a_list(given: Any) -> None:
    """A single message is easily mistaken for one: a str would be read as a list of letters."""
    with pytest.raises(UsageError) as caught:
        Account("ann", PASSWORD).script(["a"], given)
    assert str(caught.value) == (
        f"script() takes a list of messages, or a Maildrop, for each login, not {type(given).__name__}; "
        "put a single message into a list"
    )


def test_an_empty_script_is_refused() -> None:
    """An empty maildrop is an empty list."""
    with pytest.raises(UsageError) as caught:
        Account("ann", PASSWORD).script()
    assert str(caught.value) == "script() needs what the first login finds: a list of messages, or a Maildrop"


def test_accounts_are_found_by_name() -> None:
    """In the order in which they were added."""
    ann, bob = Account("ann", PASSWORD), Account("bob", PASSWORD)
    accounts = Accounts([ann])
    accounts.add(bob)
    assert (accounts["bob"], accounts.get("ann"), accounts.get("eve")) == (bob, ann, None)
    assert (list(accounts), list(accounts.values()), len(accounts)) == (["ann", "bob"], [ann, bob], 2)
    assert "ann" in accounts
    assert "eve" not in accounts


def test_an_unknown_account_is_a_usage_error_with_the_nearest_name() -> None:
    """Or with all of them."""
    accounts = Accounts()
    with pytest.raises(UsageError, match=r"^no account 'ann'; there are no accounts$"):
        accounts["ann"]
    accounts.add(Account("ann", PASSWORD))
    with pytest.raises(UsageError, match=r"^no account 'anne'; did you mean 'ann'\?$"):
        accounts["anne"]
    with pytest.raises(UsageError, match=r"^no account 'zzz'; known are: ann$"):
        accounts["zzz"]


def test_a_second_account_of_the_same_name_is_refused() -> None:
    """Nobody could tell which one logs in."""
    accounts = Accounts([Account("ann", PASSWORD)])
    with pytest.raises(UsageError, match=r"^there is an account 'ann' already$"):
        accounts.add(Account("ann", "another"))
    not_an_account: Any = "ann"
    with pytest.raises(UsageError, match=r"^an account must be an Account, not str$"):
        accounts.add(not_an_account)
    assert accounts["ann"].check_password(PASSWORD.encode())


def test_an_account_may_be_added_while_somebody_looks_at_all_of_them() -> None:
    """A session looks for passwords to mask while the test adds an account."""
    accounts = Accounts([Account("ann", PASSWORD), Account("bob", PASSWORD)])
    for account in accounts.values():
        accounts.add(Account(f"{account.name}-2", PASSWORD))
    assert list(accounts) == ["ann", "bob", "ann-2", "bob-2"]
