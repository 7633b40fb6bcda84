"""`pop3s_message_factory`, through projects that use it: where it delivers, and that it repeats itself."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from tests.plugin.conftest import Inner

importlib.import_module("pop3s_fake.factories")  # as the conftest does with what every run needs
importlib.import_module("pytest_pop3s_fake.messages")


def test_it_delivers_to_the_only_server(inner: Inner) -> None:
    """Whichever of the two the test asks for first, and also to one that it makes later or attaches."""
    report = inner.run("""
        from pop3s_fake import Maildrop, Pop3sServer

        def test_before(pop3s_message_factory, pop3s_server):
            sent = pop3s_message_factory.create_batch(3, attachments=2, leading_dots=True)
            client = Client(pop3s_server)
            assert [client.list(n + 1) for n in range(3)] == [b"+OK %d %d" % (n + 1, sent[n].octets) for n in range(3)]
            assert [b"".join(line + b"\\r\\n" for line in client.retr(n + 1)[1]) for n in range(3)] == [
                message.content for message in sent
            ]
            client.quit()

        def test_after(pop3s_server, pop3s_message_factory):
            assert [pop3s_message_factory.create(), pop3s_message_factory()] == list(pop3s_server.maildrop)

        def test_later(pop3s_message_factory, pop3s_server_factory):
            draft = pop3s_message_factory.build()
            server = pop3s_server_factory()
            assert [pop3s_message_factory.create()] == list(server.maildrop)

        def test_elsewhere(pop3s_message_factory):
            maildrop = Maildrop()
            assert pop3s_message_factory.create_batch(2, maildrop=maildrop) == list(maildrop)

        def test_attached(pop3s_message_factory, pop3s_attach):
            with Pop3sServer() as server:
                pop3s_attach(server)
                assert [pop3s_message_factory.create()] == list(server.maildrop)
        """)

    assert report.counts == {"passed": 5}


def test_it_does_not_guess_between_servers(inner: Inner) -> None:
    """Of two it names both, of none it says what to do; `maildrop=` is the way out."""
    report = inner.run("""
        def test_two(pop3s_server_factory, pop3s_message_factory):
            one, two = pop3s_server_factory(), pop3s_server_factory()
            pop3s_message_factory.create(maildrop=two.maildrop)
            assert (len(one.maildrop), len(two.maildrop)) == (0, 1)
            pop3s_message_factory.create_batch(2)

        def test_none(pop3s_message_factory):
            pop3s_message_factory.create()
        """)

    assert report.counts == {"failed": 2}
    two, none = report.block("test_two"), report.block("test_none")
    assert (
        "E       pop3s_fake.errors.UsageError: pop3s_message_factory delivers to the test's only server, and there "
        "are 2: localhost:PORT and localhost:PORT; say which with maildrop=server.maildrop\n"
    ) in two
    assert ">       pop3s_message_factory.create_batch(2)\n" in two
    assert (
        "E       pop3s_fake.errors.UsageError: pop3s_message_factory delivers to the test's only server, and there "
        "is none yet: let the test ask for pop3s_server, too, or pass maildrop=\n"
    ) in none
    for text in (two, none):
        assert "factories/" not in text
        assert "site-packages" not in text


MANY = """
    import json

    @pytest.mark.parametrize("n", range(4))
    def test_mail(pop3s_server, pop3s_message_factory, n):
        if n == 3:
            pop3s_message_factory.build_batch(n)
        sent = pop3s_message_factory.create_batch(2, attachments=1, html=True, encoded_headers=True)
        sent += pop3s_message_factory.create_batch(2, faked=True)
        with open(f"made-{n}.json", "w") as file:
            json.dump([message.uid for message in sent], file)
    """

SHUFFLED = """
    import os, random
    import factory.random

    def pytest_collection_modifyitems(items):
        random.Random(os.environ["SHUFFLED"]).shuffle(items)

    def pytest_runtest_setup():  # as plugins for a random order do
        random.seed(os.environ["SHUFFLED"])
        factory.random.reseed_random(os.environ["SHUFFLED"])
    """


def made(inner: Inner) -> list[list[str]]:
    """What the tests of the last run have made; the next run leaves new files."""
    files = [inner.path / f"made-{n}.json" for n in range(4)]
    uids: list[list[str]] = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    for file in files:
        file.unlink()
    return uids


def test_one_seed_makes_the_same_messages_in_any_order_and_worker(
    inner: Inner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one process, in two workers, in another order; and other messages in every test and for every seed."""
    inner.run(MANY)
    first = made(inner)
    assert len({uid for uids in first for uid in uids}) == 16

    for arguments in (
        ["-p", "xdist.plugin", "-n2"],
        ["test_mail.py::test_mail[3]", "test_mail.py::test_mail[1]", "test_mail.py::test_mail"],
    ):
        assert inner.run_apart(MANY, *arguments).counts == {"passed": 4}
        assert made(inner) == first
    inner.file("conftest.py", SHUFFLED)
    for chance in "abc":
        monkeypatch.setenv("SHUFFLED", chance)
        assert inner.run(MANY).counts == {"passed": 4}
        assert made(inner) == first

    inner.run(MANY, "--pop3s-seed=8")
    assert {uid for uids in made(inner) for uid in uids}.isdisjoint(uid for uids in first for uid in uids)


def test_the_report_names_the_seed(inner: Inner) -> None:
    """With the server's, which is the same; where it is not, or there is no server, by itself."""
    report = inner.run("""
        def test_usual(pop3s_server, pop3s_message_factory):
            assert 0

        def test_none(pop3s_message_factory):
            assert 0

        def test_called(pop3s_server_factory, pop3s_message_factory):
            pop3s_server_factory(seed=1)
            assert 0

        @pytest.mark.pop3s(seed=1)
        def test_marked(pop3s_server, pop3s_message_factory):
            from pop3s_fake.factories import MessageFactory
            assert pop3s_message_factory.build().uid == MessageFactory.build(seed=1).uid
            assert 0
        """)

    def seeds(test: str) -> list[str]:
        return [line for line in report.block(test).splitlines() if "seed=" in line and line[:1] in "pl"]

    assert seeds("test_usual") == ["localhost:PORT, --pop3s-seed=7"]
    assert seeds("test_none") == ["pop3s_message_factory, --pop3s-seed=7"]
    assert seeds("test_called") == ["localhost:PORT, seed=1", "pop3s_message_factory, --pop3s-seed=7"]
    assert seeds("test_marked") == ["localhost:PORT, seed=1"]


def test_bad_options_are_told_at_the_test(inner: Inner) -> None:
    """As for a server."""
    report = inner.run("""
        @pytest.mark.pop3s(sede=1)
        def test_mail(pop3s_message_factory):
            pass
        """)

    assert report.counts == {"errors": 1}
    assert "the marker pop3s of test_mail.py::test_mail: unknown keyword 'sede'; did you mean 'seed'?" in report.text


def test_without_the_extra_it_says_what_to_install(inner: Inner) -> None:
    """One line, and the other fixtures go on."""
    inner.file("conftest.py", "import sys\nsys.modules['factory'] = None\n")
    report = inner.run_apart("""
        def test_factory(pop3s_message_factory):
            pass

        def test_server(pop3s_server):
            Client(pop3s_server).quit()
        """)

    assert report.counts == {"errors": 1, "passed": 1}
    said = "pop3s_fake.factories needs factory-boy: pip install 'pop3s-fake[factories]'"
    assert report.block("ERROR at setup of test_factory") == said


def test_who_does_not_use_it_does_not_load_it(inner: Inner) -> None:
    """Neither factory-boy nor Faker, by the other fixtures."""
    report = inner.run_apart("""
        import sys

        def test_server(pop3s_server):
            pop3s_server.maildrop.add("Subject: one")
            Client(pop3s_server).quit()
            assert not {"factory", "faker", "pop3s_fake.factories"} & set(sys.modules)
        """)

    assert report.counts == {"passed": 1}


def test_it_explains_itself(inner: Inner) -> None:
    """In ``pytest --fixtures``."""
    lines = inner.run("", "--fixtures").lines
    place = next(i for i, line in enumerate(lines) if line.startswith("pop3s_message_factory -- "))

    assert lines[place + 1].strip().startswith("Make messages and deliver them to the test's only server: ")
