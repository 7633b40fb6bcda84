"""The commands and their options, as click reads them and shows them with `--help`.

Knows words, defaults and help texts; must not load what a command needs before it runs, so that `--help` is quick.
"""

from __future__ import annotations

from typing import Any

import click

from pop3s_fake.errors import UsageError

__all__ = ("commands",)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="pop3s-fake", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """A fake POP3S server for testing any POP3 client: right by default, wrong by name."""
    if context.invoked_subcommand is None:
        raise UsageError("a command is missing, such as serve; pop3s-fake --help names them all")


def _only_one(_: click.Context, option: click.Parameter, words: tuple[str, ...]) -> str | None:
    """The one word of an option that is taken once, where click would pass over all but the last."""
    if len(words) > 1:
        raise UsageError(f"{option.opts[0]} is given {len(words)} times, and a server has one; choose one of them")
    return words[0] if words else None


@commands.command()
@click.option(
    "--host",
    default="localhost",
    show_default=True,
    metavar="HOST",
    help="localhost, 127.0.0.1 or ::1; others with --allow-remote.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=3995, show_default=True, help="0 for a free one.")
@click.option(
    "--stls-port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="A second port, in clear, for clients that come to TLS by STLS; 0 for a free one.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="NAME:PASSWORD",
    help="Who may log in; may be repeated.  Left out: demo, with the password demo-password and three messages.",
)
@click.option(
    "--any-login",
    is_flag=True,
    help="Let in every other name, too, with any password; each has a copy of the first account's mail.",
)
@click.option(
    "--mail",
    multiple=True,
    metavar="[ACCOUNT=]PATH",
    help="A Maildir, an mbox, an .eml file or a folder of them, for the first account or this one; may be repeated.  "
    "Deletions live in memory.",
)
@click.option("--write-back", is_flag=True, help="Carry deletions out on the disk, at QUIT.")
@click.option("--yes", is_flag=True, help="Let --write-back delete from your own Maildir or spool, too.")
@click.option("--strict", is_flag=True, help="End where --mail has something that is no mail, and do not leave it out.")
@click.option("--certificate", default="good", show_default=True, metavar="ID", help="Such as expired or wrong-host.")
@click.option("--tls", default="1.2-1.3", show_default=True, metavar="VERSIONS", help="One of 1.0 to 1.3, or a range.")
@click.option(
    "--dialect",
    multiple=True,
    callback=_only_one,
    metavar="ID|FILE",
    help="Word and bend things as a real server does, such as dovecot, or as a file of your own says, such as "
    "./ours.toml.",
)
@click.option(
    "--case",
    metavar="ID",
    help="Do to each client what this case is, such as rec.truncate or cert.expired; pop3s-fake catalog cases has all.",
)
@click.option(
    "--quirk",
    "quirks",
    multiple=True,
    metavar="ID",
    help="What some real server does otherwise, such as terminator-split or 'retr-quota(messages=3)'; -ID takes away "
    "one that the dialect brings; may be repeated.",
)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="RULE",
    help="Such as 'RETR#2@512 -> wait 0.2, end rst; times=1'; may be repeated.",
)
@click.option("--seed", type=int, metavar="N", help="Makes everything random reproducible.")
@click.option(
    "--ca-out",
    metavar="FILE",
    help="Where to write the CA certificate that clients have to trust; its key never leaves the memory.  Left out: "
    "pop3s-fake-ca.pem.",
)
@click.option(
    "--ca-dir",
    metavar="DIR",
    help="Keep the CA there between runs, certificate and key, so that clients are told once to trust it.  It vouches "
    "for localhost, *.localhost, *.test and loopback addresses only, for 90 days.",
)
@click.option(
    "--ready-file",
    metavar="FILE",
    help="Written once the server listens, removed at the end: host, port, stls_port, ca_file and accounts as JSON, "
    "readable for you only.",
)
@click.option("--log-file", metavar="FILE", help="One JSON object a line, appended; passwords masked.")
@click.option("--quiet", is_flag=True, help="Print nothing but mistakes.")
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Let --host be an address that other machines can reach; needs an --account of your own.",
)
def serve(**given: Any) -> int:
    """Serve POP3S on this machine, until Ctrl-C or SIGTERM.

    It listens on the loopback addresses unless told otherwise, and prints the very lines of openssl, curl and Python
    that reach it.
    """
    from pop3s_fake.cli.serve import Wishes, serve  # noqa: PLC0415  # loads the server, with ssl and cryptography

    return serve(Wishes(**given))


@commands.command()
@click.argument("address", metavar="HOST[:PORT]")
@click.option(
    "--user",
    metavar="NAME",
    help="Log in, with your own account only; the password is asked for.  Left out: what can be asked without a login.",
)
@click.option(
    "--password-file",
    metavar="FILE",
    help="Take the password from the first line of a file; without it from POP3S_FAKE_PASSWORD, or it is asked for.",
)
@click.option("--ca", metavar="FILE", help="Trust this CA, in PEM, and not those of the system.")
@click.option("--stls", is_flag=True, help="TLS begins by STLS, as on port 110.")
@click.option("--clear", is_flag=True, help="There is no TLS.")
@click.option("--insecure", is_flag=True, help="Send the password to a server that is not verified, or in clear.")
@click.option("--output", "-o", metavar="FILE", help="Where the draft goes; left out, or -: standard output.")
@click.option("--force", is_flag=True, help="Let --output take the place of a file that is there.")
@click.option(
    "--failed-logins",
    type=click.IntRange(0, 5),
    default=0,
    show_default=True,
    metavar="N",
    help="How many questions that may count as a failed login may be asked, 0 to 5; servers lock out who has many.",
)
@click.option("--fetch", is_flag=True, help="RETR a message, too, which may mark it as read; EXPIRE 0 forbids it.")
@click.option(
    "--connections",
    type=click.IntRange(1, 200),
    default=40,
    show_default=True,
    metavar="N",
    help="How many connections may be made, never more than two at a time.",
)
@click.option(
    "--pause",
    type=click.FloatRange(0, 3600),
    metavar="SECONDS",
    help="Between two connections; left out: 1, and between logins what LOGIN-DELAY asks for, up to 60.  0 does not "
    "wait behind a refusal either, for what may follow it.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long an answer is waited for.",
)
@click.option("--quiet", is_flag=True, help="Do not show what is asked.")
def probe(**given: Any) -> int:
    """Ask a server how it words and reads things, and write a draft of its dialect.

    It marks no message, removes none, and logs in as nobody else; DELE is never said.  What is asked, and what comes,
    is shown on standard error as it goes.  The draft holds no name, password, subject, text or unique-id of yours; read
    it before you hand it on.  Dialect.from_file reads it.
    """
    from pop3s_fake.cli.probe import Asked, probe  # noqa: PLC0415  # loads ssl

    return probe(Asked(**given))


@commands.group(invoke_without_command=True)
@click.pass_context
def catalog(context: click.Context) -> None:
    """List cases, dialects, quirks, certificates and handshakes by name."""
    if context.invoked_subcommand is None:
        raise UsageError("a catalogue is missing, such as certificates; pop3s-fake catalog --help names them all")


def _listing(which: str, text: str) -> None:
    """Add a command that prints this catalogue."""

    @catalog.command(which, help=f"{text}  With ids: all that is known of these.")
    @click.argument("wanted", nargs=-1, metavar="[ID]...")
    @click.option("--json", "as_json", is_flag=True, help="Everything that is known of each, as JSON.")
    def listing(*, wanted: tuple[str, ...], as_json: bool) -> int:
        from pop3s_fake.cli.catalog import catalog as show  # noqa: PLC0415  # reads the data, and makes nothing

        return show(which, wanted, as_json=as_json)


_listing("cases", "What a server, or the way to it, can do to a client (--case).")
_listing("dialects", "How real servers word and bend things (--dialect).")
_listing("quirks", "What real servers do otherwise (--quirk).")
_listing("certificates", "What a server can show (--certificate).")
_listing("client-certificates", "What a client can show.")
_listing("handshakes", "How a server can shake hands.")
