r"""The languages that LANG can choose (RFC 6856 section 3), and replies in them.

Knows ``languages.toml`` and how a text is told apart from what stands around it; must not know which command asked.
What the server says by itself is English, and costs nothing of this: the file is read when the first client says LANG.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pop3s_fake.protocol.replies import Reply

__all__ = ("DEFAULT", "Language", "languages", "listing", "matching", "read_languages")

DEFAULT: Final = "i-default"
"""The language of a session that has chosen none (RFC 2277 section 4.5), and what ``LANG *`` gives."""

SOURCE: Final = "en"
"""The language in which the texts stand in the code."""

_STATUS: Final = re.compile(rb"(\+OK|-ERR) ((?:\[[^]]*\] )?)(.*)\r\n", re.DOTALL)
_PLACE: Final = re.compile(r"\{(\w+)\}")


class Language(NamedTuple):
    """One language: its tag, how its speakers call it, and the texts that are others than the code's."""

    tag: str
    name: str
    chosen: str
    """What is said when it was chosen."""
    texts: Mapping[str, str]
    """By the English text; none where that is what is said."""
    forms: tuple[tuple[re.Pattern[str], str], ...]
    """The same for the texts in which something is filled in."""

    def text(self, text: str) -> str:
        """An English text in this language; one that is not known stays as it is.

        >>> german = languages()["de"]
        >>> german.text("no such message"), german.text("message 2 deleted"), german.text("hello")
        ('diese Nachricht gibt es nicht', 'Nachricht 2 gelöscht', 'hello')
        """
        if text in self.texts:
            return self.texts[text]
        for form, translated in self.forms:
            found = form.fullmatch(text)
            if found is not None:
                return translated.format_map({key: self.text(value) for key, value in found.groupdict().items()})
        return text

    def reply(self, reply: Reply) -> Reply:
        r"""A reply in this language: its text, behind the response code; what programs read stays.

        >>> from pop3s_fake.protocol.replies import AUTH_FAILED, Reply
        >>> german = languages()["de"]
        >>> german.reply(AUTH_FAILED).octets(), german.reply(Reply(b"+OK 1 octets\r\n")).octets()
        (b'-ERR [AUTH] Name oder Passwort ist falsch\r\n', b'+OK 1 octets\r\n')
        """
        found = _STATUS.fullmatch(reply.status)
        # Without a payload, digits are what STAT, LIST, UIDL and LAST tell: `+OK 1 octets` names a unique-id.
        if found is None or (reply.payload is None and found[3][:1].isdigit()):
            return reply
        told = found[3].decode()
        text = self.text(told)
        return reply if text == told else reply.saying(b"%b %b%b\r\n" % (found[1], found[2], text.encode()))

    def told(self, handlers: Mapping[bytes, Callable[..., Reply]]) -> dict[bytes, Callable[..., Reply]]:
        """The same handlers of commands, which answer in this language."""

        def translated(handler: Callable[..., Reply]) -> Callable[..., Reply]:
            return lambda *values: self.reply(handler(*values))

        return {keyword: translated(handler) for keyword, handler in handlers.items()}


@cache
def languages() -> Mapping[str, Language]:
    """All of them by their tags, in the order of the listing.

    >>> list(languages())
    ['i-default', 'en', 'de', 'es']
    """
    return read_languages((files(__package__) / "languages.toml").read_text("utf-8"))


def read_languages(text: str) -> Mapping[str, Language]:
    """The languages that a file such as ``languages.toml`` describes; the first text tells that one was chosen."""
    data = tomllib.loads(text)
    texts: list[Mapping[str, str]] = data["text"]
    result = {}
    for tag, name in data["names"].items():
        source = tag in {SOURCE, DEFAULT}
        own = {} if source else {each[SOURCE]: each[tag] for each in texts}
        forms = tuple((_form(english), other) for english, other in own.items() if _PLACE.search(english))
        result[tag] = Language(tag, name, texts[0][SOURCE if source else tag], own, forms)
    return result


def _form(text: str) -> re.Pattern[str]:
    """What recognises a text with places that were filled in."""
    parts = _PLACE.split(text)
    return re.compile("".join(f"(?P<{part}>.+)" if i % 2 else re.escape(part) for i, part in enumerate(parts)))


def matching(wanted: str) -> Language | None:
    """The language for a basic language range (RFC 4647 section 3.4): with ever fewer subtags; ``*`` is the default.

    >>> [language.tag for language in map(matching, ("de-AT", "ES", "*")) if language], matching("uga")
    (['de', 'es', 'i-default'], None)
    """
    if wanted == "*":
        wanted = DEFAULT
    wanted = wanted.lower()
    while wanted and wanted not in languages():
        wanted = wanted.rpartition("-")[0]
    return languages().get(wanted)


def listing() -> bytes:
    """The payload of LANG without an argument: a tag and a description a line."""
    return b"".join(f"{language.tag} {language.name}\r\n".encode() for language in languages().values())
