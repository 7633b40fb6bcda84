"""How a conversation can end, at every step of it: nothing is lost, nothing stays locked, the transcript knows why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from pop3s_fake.connection import EOF, EXPIRED, Connection, End, Event, Gone, Receive, Send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Conversation, Server, Way

M1, M2 = "whqtswO00WBw418f9t5JxYwZ", "QhdPYR:00WBw1Ph7x7"

EVERY_WAY = pytest.mark.parametrize("way", ["whole", "octet", "tls", "tls-octet"], indirect=True)

DIALOGUE = ("USER mrose", "PASS tanstaaf", "RETR 1", "DELE 1", "QUIT")

Ending = Literal["eof", "autologout", "reset", "server"]


def until(server: Server, step: int | None) -> Conversation:
    """The dialogue up to the step of this number, which is asked for and not performed."""
    conversation = server.conversation(cut=step)
    try:
        conversation.start()
        for line in DIALOGUE:
            conversation.ask(line)
    except BaseException as error:
        if type(error).__name__ != "Cut":
            raise
    conversation.cut = None
    return conversation


def end(conversation: Conversation, how: Ending) -> None:
    """Let the conversation end by this, whatever step it waits for."""
    last = conversation.steps[-1]
    if how == "server":
        conversation.connection.close()
        conversation.connection.close()
    elif how == "reset":
        conversation.run(Gone("reset", "the connection is gone", "rst"))
    else:
        conversation.connection.feed({"eof": EOF, "autologout": EXPIRED}[how])
        if isinstance(last, End):
            assert next(conversation.generator, None) is None
        else:
            conversation.run()
    conversation.connection.close()


@pytest.mark.parametrize("way", ["whole", "octet", "tls"], indirect=True)
@pytest.mark.parametrize("how", ["eof", "autologout", "reset", "server"])
def test_a_conversation_may_end_at_every_step(make_server: Callable[[Way], Server], way: Way, how: Ending) -> None:
    """RFC 1939 section 6: UPDATE is entered by QUIT alone, and once it is entered it is done."""
    uncut = until(make_server(way), None)
    assert uncut.log.ended == "quit"
    for step in range(1, len(uncut.steps) + 1):
        server = make_server(way)
        conversation = until(server, step)
        behind_quit = len(uncut.steps) - step  # 1: the answer is to be sent, 0: the connection is to be closed
        end(conversation, how)
        done = conversation.log.ended
        assert done == ("quit" if behind_quit == 0 or (behind_quit == 1 and how in {"eof", "autologout"}) else how), (
            step
        )
        assert server.maildrop.in_use_by is None, step
        assert conversation.log.deleted == ([M1] if behind_quit <= 1 else []), step
        assert server.uids() == ([M2] if behind_quit <= 1 else [M1, M2]), step


@pytest.mark.parametrize("event", [EOF, EXPIRED])
def test_an_end_that_comes_while_a_reply_is_sent_waits_for_its_turn(server: Server, event: Event) -> None:
    """What was asked for before is answered whole."""
    server.maildrop.add(b"x" * 400_000)
    client = server.login()
    client.connection.feed(b"RETR 3\r\nDELE 1\r\n")
    sent = [next(client.generator)]
    client.connection.feed(event)
    client.run()
    said = b"".join(step.octets for step in [*sent, *client.steps[-20:]] if isinstance(step, Send))
    assert said.endswith(b"x\r\n.\r\n+OK message 1 deleted\r\n")
    assert client.log.ended == ("eof" if event is EOF else "autologout")
    assert server.uids() == server.maildrop.uids == [M1, M2, server.maildrop.uids[2]]


def test_a_message_that_was_not_sent_whole_was_not_retrieved(server: Server) -> None:
    """The transcript counts what the client can have read."""
    server.maildrop.add(b"x" * 400_000)
    client = server.login()
    client.connection.feed(b"RETR 1\r\nRETR 3\r\n")
    whole, part = next(client.generator), next(client.generator)
    assert isinstance(whole, Send)
    assert isinstance(part, Send)
    assert part.octets.startswith(b"+OK 400002 octets\r\nxxx")
    assert client.log.retrieved == [M1]
    next(client.generator)
    client.reset()
    assert client.log.retrieved == [M1]
    assert [entry.text for entry in client.log.entries][-3:] == [
        "+OK 120 octets",
        "RETR 3",
        "the connection is gone: Connection reset by peer",
    ]


@EVERY_WAY
def test_autologout_is_silent(server: Server) -> None:
    """RFC 1939 section 3: the server closes without sending any response; TLS closes as it should."""
    client = server.login()
    before = len(client.steps)
    assert client.wait(600) == b""
    sent = [step for step in client.steps[before:] if isinstance(step, Send)]
    assert len(sent) == (1 if client.way.tls else 0)
    assert client.clean is client.way.tls
    assert client.steps[-1] == End("fin")
    assert client.log.entries[-1].text == "autologout: no command for 600 seconds"


def test_half_a_command_is_no_command(server: Server) -> None:
    """RFC 1939 section 3: a timer runs on, and the end discards it."""
    client = server.login()
    client.wait(599)
    client.say(b"DELE 1")
    client.wait(1)
    assert client.log.ended == "autologout"
    other = server.login()
    other.say(b"DELE 1\r")
    other.hang_up()
    assert other.log.ended == "eof"
    assert server.uids() == [M1, M2]


@EVERY_WAY
def test_commands_before_the_end_are_carried_out(server: Server) -> None:
    """A client may send all it has and close its direction at once: that is no reason to forget what it said."""
    client = server.login()
    if client.client is None:
        client.connection.feed(b"DELE 1\r\nQUIT\r\n")
    else:
        client.client.write(b"DELE 1\r\nQUIT\r\n")
        client.connection.feed(client._outgoing.read())
    assert client.hang_up() == b"+OK message 1 deleted\r\n+OK signing off\r\n"
    assert client.log.ended == "quit"
    assert server.uids() == [M2]


@EVERY_WAY
def test_a_reset_needs_no_farewell(server: Server) -> None:
    """Nobody is there to read it."""
    client = server.login()
    before = len(client.steps)
    client.reset()
    assert client.steps[before:] == [End("rst")]
    assert (client.log.ended, client.log.entries[-1].text) == (
        "reset",
        "the connection is gone: Connection reset by peer",
    )


@pytest.mark.parametrize("way", ["tls", "tls-octet"], indirect=True)
def test_a_client_may_be_gone_before_it_is_told_goodbye(server: Server) -> None:
    """The closure alert that answers its FIN finds nobody: the end stays what it was."""
    client = server.login()
    client.connection.feed(EOF)
    assert isinstance(next(client.generator), Send)
    client.reset()
    assert client.steps[-1] == End("rst")
    assert client.log.ended == "eof"


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_the_server_can_end_it_as_it_likes(server: Server, how: Literal["fin", "rst"]) -> None:
    """Without UPDATE."""
    client = server.login()
    client.ask("DELE 1")
    client.run(Gone("server", "the server disconnected the client", how))
    assert (client.ended, client.log.ended) == (how, "server")
    assert server.uids() == [M1, M2]


def test_closing_notes_why_and_only_once(server: Server) -> None:
    """Whoever performs the steps closes always, so that the lock is free whatever happened."""
    client = server.login()
    client.connection.close("the server failed")
    client.connection.close("again")
    assert (client.log.ended, client.log.entries[-1].text) == ("server", "the server failed")
    other = server.login()
    other.connection.close()
    assert other.log.entries[-1].text == "the server ended the connection"
    assert [entry.kind for entry in other.log.entries].count("-") == 1


def test_a_connection_may_be_closed_before_it_began(server: Server) -> None:
    """And the steps may be asked for and never taken."""
    never = server.conversation()
    never.connection.close()
    assert never.log.ended == "server"


@EVERY_WAY
@pytest.mark.parametrize("error", [RuntimeError("no"), FileNotFoundError(2, "No such file", "a.eml"), TimeoutError()])
def test_what_a_generated_message_raises_is_told_as_it_is(server: Server, error: Exception) -> None:
    """Nothing is silent: it is the test's own function that failed, neither the client nor TLS."""

    def content(_: int) -> str:
        raise error

    server.maildrop.generate(1, content, octets=10)
    client = server.login()
    with pytest.raises(type(error)) as caught:
        client.ask("RETR 3")
    assert caught.value is error
    client.connection.close("the server failed")
    assert client.log.ended == "server"
    assert server.maildrop.in_use_by is None


def test_a_failing_update_frees_the_lock(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens inside."""

    def update(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pop3s_fake.maildrop.OpenMaildrop.update", update)
    client = server.login()
    with pytest.raises(ZeroDivisionError):
        client.ask("QUIT")
    assert server.maildrop.in_use_by is None


def test_a_connection_is_performed_by_resuming_its_generator(server: Server) -> None:
    """The steps of a whole session in clear, one after the other."""
    client = server.conversation()
    connection: Connection = client.connection
    steps = client.generator
    greeting = next(steps)
    assert isinstance(greeting, Send)
    assert greeting.octets.startswith(b"+OK POP3 server ready <")
    server.time = 5.0
    assert next(steps) == Receive(600.0)
    connection.feed(b"CAPA")
    assert next(steps) == Receive(600.0)
    connection.feed(b" x\r\nQUIT\r\nNOOP\r\n")
    assert next(steps) == Send(b"-ERR CAPA takes no argument: CAPA\r\n")
    assert client.log.entries[-1].kind == "C"
    assert next(steps) == Send(b"+OK signing off\r\n")
    assert client.log.ended is None
    assert next(steps) == End("fin")
    assert client.log.ended == "quit"
    assert next(steps, None) is None
