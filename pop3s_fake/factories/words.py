"""The words, names and numbers of one message, which follow from a seed and a number and from nothing else.

Knows fixed words, and Faker where it is asked for.  Must not know what a message looks like.  Every kind of thing is
drawn from a generator of its own, so whoever sets the subject changes neither the text nor the attachments.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from faker import Faker

__all__ = ("FakedWords", "Words", "line_beyond_ascii")

_WORDS: Final = (  # noqa: SIM905  # a hundred words are read as lines, not one by one
    "about after again answer apple autumn basket before bottle bridge butter candle carpet castle cellar change "
    "cherry circle copper corner cotton dinner double either engine evening family farmer feather finger forest "
    "garden gentle ginger golden hammer harbour honest island jacket kettle ladder letter little market meadow middle "
    "mirror morning nature needle number orange oyster pencil pepper planet pocket potato puzzle rabbit ribbon river "
    "saddle season second silver simple spider spring square stable summer table thread timber travel tunnel under "
    "valley velvet village walnut water weather window winter wonder yellow"
).split()
_BEYOND_ASCII: Final = ["Grüße", "œuvre", "señor", "łąka", "Ωμέγα", "привет", "日本", "naïve", "ångström", "€", "🙂"]
_FIRST_DATE: Final = datetime(2024, 1, 1, 8, tzinfo=UTC)
_BETWEEN: Final = timedelta(minutes=37)
_WIDTH: Final = 72  # characters of a line of text, as people are used to


class Words:
    """Fixed words in an order that follows from seed and number.

    >>> Words(7, 1).sender()
    'Sender 1 <sender-1@example.test>'
    >>> Words(7, 1).text() == Words(7, 1).text() != Words(8, 1).text()
    True
    """

    def __init__(self, seed: int, number: int) -> None:
        self.number: int = number
        self._origin = f"{seed}:{number}"

    def random(self, what: str) -> Random:
        """A generator of its own for each kind of thing."""
        return Random(f"{self._origin}:{what}")  # noqa: S311  # it is there to be repeated

    def subject(self, *, encoded: bool = False, folded: bool = False) -> str:
        """A few words; with ``encoded`` some beyond ASCII, with ``folded`` more than a line of a header holds."""
        phrase = self._phrase(folded=folded)
        if encoded:
            phrase += f" {_some(self.random('encoded'), _BEYOND_ASCII, 3)}"
        return f"Message {self.number}: {phrase}"

    def _phrase(self, *, folded: bool) -> str:
        return _some(self.random("subject"), _WORDS, 20 if folded else 3)

    def sender(self, *, encoded: bool = False) -> str:
        """Who sent it, as From has it."""
        return f"{'Größter ' if encoded else ''}Sender {self.number} <sender-{self.number}@example.test>"

    def recipient(self, *, encoded: bool = False) -> str:
        """Who gets it, as To has it."""
        return f"{'Älterer ' if encoded else ''}Recipient <recipient@example.test>"

    def date(self) -> datetime:
        """When it was sent: each message some time after the one before."""
        return _FIRST_DATE + self.number * _BETWEEN + timedelta(seconds=self.random("date").randrange(1800))

    def message_id(self) -> str:
        """What Message-ID has."""
        return f"<{self.random('message-id').getrandbits(64):016x}.{self.number}@example.test>"

    def text(self) -> str:
        """Two to four paragraphs, in lines of usual length."""
        random = self.random("text")
        return "\n\n".join(_wrapped(self._paragraph(random)) for _ in range(random.randint(2, 4))) + "\n"

    def _paragraph(self, random: Random) -> str:
        return f"{_some(random, _WORDS, random.randint(8, 40)).capitalize()}."

    def long_line(self, octets: int) -> str:
        """One line of exactly that many octets."""
        random = self.random("long line")
        words = _some(random, _WORDS, octets // 4 + 1)  # every word has more letters than that
        return words[: octets - 1] + "x" if octets else ""


class FakedWords(Words):
    """What Faker makes of seed and number; the texts are those of the Faker that is installed."""

    def _phrase(self, *, folded: bool) -> str:
        return _faker(f"{self._origin}:subject").sentence(nb_words=20 if folded else 5, variable_nb_words=False)

    def sender(self, *, encoded: bool = False) -> str:
        """A name and an address."""
        return self._mailbox("sender", encoded=encoded)

    def recipient(self, *, encoded: bool = False) -> str:
        """A name and an address."""
        return self._mailbox("recipient", encoded=encoded)

    def _mailbox(self, what: str, *, encoded: bool) -> str:
        faker = _faker(f"{self._origin}:{what}")
        name = f"{faker.first_name()} {faker.last_name()}"
        return f"{name}{'-Größter' if encoded else ''} <{faker.user_name()}@example.test>"

    def _paragraph(self, random: Random) -> str:
        return _faker(f"{self._origin}:{random.getrandbits(64)}").paragraph(nb_sentences=5)


def line_beyond_ascii(random: Random) -> str:
    """One line of text which needs more octets than it has characters."""
    return _some(random, _BEYOND_ASCII, 5)


def _some(random: Random, words: list[str], count: int) -> str:
    return " ".join(random.choices(words, k=count))


def _wrapped(paragraph: str) -> str:
    lines = [""]
    for word in paragraph.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _WIDTH:
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)


@cache
def _loaded_faker() -> Faker:
    from faker import Faker  # noqa: PLC0415  # its providers take 50 ms, so only where it is asked for

    return Faker("en_US")


def _faker(seed: str) -> Faker:
    """Faker, seeded by itself: the one that factory-boy and other tests share is left alone."""
    faker = _loaded_faker()
    faker.seed_instance(seed)
    return faker
