"""A probe of a live Dovecot, and its draft held against that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

import dovecot
from pop3s_fake import Dialect
from pop3s_fake.probing import Place, Sockets, Wishes, ask, draft
from tests.probing.asked import BOUND, MAIL, PASSWORD, USER, asked_of, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pop3s_fake.probing import Seen

LINGER = 0.05


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Where it is."""
    if why := dovecot.missing():
        pytest.skip(f"{why}: apt-get install dovecot-pop3d")
    ca_file = tmp_path_factory.mktemp("dovecot") / "ca.pem"
    with dovecot.running([mail.encode() for mail in MAIL], password=PASSWORD, stls=True) as running:
        ca_file.write_text(running.ca_pem, encoding="utf-8")
        yield {"port": running.port, "clear": running.clear, "ca": str(ca_file), "maildir": running.maildir}


def seen_of(live: dict[str, Any], *, stls: bool = False, **wishes: Any) -> Seen:
    """What a probe sees of it."""
    place = Place(
        "localhost",
        live["clear"] if stls else live["port"],
        tls="stls" if stls else "implicit",
        ca=live["ca"],
        timeout=BOUND,
    )
    wished = Wishes(USER, PASSWORD, pause=0, linger=LINGER, **wishes)
    return ask(Sockets(place), wished, tell=lambda _: None, wait=time.sleep, now=time.monotonic)


@pytest.mark.parametrize("stls", [False, True], ids=["implicit", "stls"])
def test_a_server_of_the_draft_answers_as_dovecot(live: dict[str, Any], tmp_path: Path, *, stls: bool) -> None:
    """Each question that both were asked, word for word; and Dovecot has all its mail."""
    theirs = seen_of(live, stls=stls)
    path = tmp_path / "dovecot.toml"
    path.write_text(draft(theirs), encoding="utf-8")
    with serving(Dialect.from_file(path)) as server:
        ours = asked_of(server, stls=stls)

    def answered(seen: Seen) -> dict[bytes, set[tuple[str, ...]]]:
        found: dict[bytes, set[tuple[str, ...]]] = {}
        for each in seen.exchanges():
            found.setdefault(each.said, set()).add(each.came)
        return found

    assert answered(ours) == answered(theirs)
    assert ours.capabilities == theirs.capabilities
    assert ours.versions == theirs.versions
    assert len([path for path in live["maildir"].rglob("*.localhost*") if path.is_file()]) == len(MAIL)


def test_one_failed_login_tells_how_long_a_wrong_password_takes(live: dict[str, Any]) -> None:
    """Two seconds and more, if it came in no other order."""
    text = draft(seen_of(live, failed_logins=1))
    assert "[delays]\n# the answer to a wrong password took so long\nfailed = " in text
    assert 'says.failed = "-ERR [AUTH] Authentication failed."' in text
