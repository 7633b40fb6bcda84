"""The factory of messages.

Knows factory-boy and how seeds and numbers go into a message.  Must not know how a message is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pop3s_fake.errors import UsageError
from pop3s_fake.factories.composing import compose
from pop3s_fake.factories.letter import Letter
from pop3s_fake.factories.seeding import SeededFactory, check_seed, check_switch, lazy, lazy_numbered
from pop3s_fake.factories.words import FakedWords, Words
from pop3s_fake.maildrop import Maildrop, Message
from pop3s_fake.maildrop.content import completed
from pop3s_fake.maildrop.unique_ids import derived_uid

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ("Draft", "FakedMessageFactory", "MessageFactory")

# Frames of this module tell nobody anything; the line of the test that called it does.
__tracebackhide__ = True


class Draft(Message):
    r"""A message that nobody has delivered yet: `Maildrop.add` takes it, and then gives it this very unique-id.

    ``content`` and ``octets`` are what a maildrop will have; ``read_bytes()`` gives the octets as they were made, which
    may lack the final CRLF.

    >>> draft = MessageFactory.build(subject="hello")
    >>> (message,) = Maildrop().add(draft)
    >>> (message.uid, message.octets, message.content) == (draft.uid, draft.octets, draft.content)
    True
    """

    __slots__ = ("_source",)

    def __init__(self, source: bytes) -> None:
        content = completed(source)
        super().__init__(content, derived_uid(content))
        self._source = source

    def read_bytes(self) -> bytes:
        """The message as it was made."""
        return self._source


class MessageFactory(SeededFactory[Message]):
    r"""Makes messages that follow from a seed and a number: ``build`` gives a `Draft`, ``create`` delivers it.

    The fields ``subject``, ``sender``, ``recipient``, ``text`` (str), ``date`` (an aware datetime) and ``message_id``
    may be given or, as always with factory-boy, declared in a subclass.  So may these varieties, which combine:

    - ``attachments=2``: that many attachments in base64.  ``html=True``: an HTML alternative of the text.
    - ``encoded_headers=True``: RFC 2047 and RFC 2231 words.  ``folded_headers=True``: fields of several lines.
    - ``leading_dots=True``: lines that begin with a dot.  ``lone_dots=True``: lines that are one, first and last.
    - ``long_lines=True``: a line of 5000 octets, or of as many as the number says; poplib takes 2046.
    - ``eight_bit=True``: UTF-8 as it is.  ``no_final_newline=True``: the last CRLF is missing until delivery.
    - ``huge=octets``: exactly that many, up to 256 MiB.  ``empty_body=True``: a header and the empty line.
    - ``broken_mime=True``: an attachment whose base64 breaks off, and no closing boundary.
    - ``faked=True``: names and texts by Faker, which is set up only then.

    What contradicts itself is a `UsageError`.  ``create`` needs ``maildrop=``, a `Maildrop` or a function that gives
    one, unless the factory is `delivering_to` one.

    The seed is 0 unless given: ``with_seed(7)`` is a factory of its own that begins to count anew, and ``seed=7`` is
    that for one call.  The same seed gives the same octets, on any machine with the same versions of Python and Faker.

    >>> MessageFactory.build(seed=7).content == MessageFactory.build(seed=7).content
    True
    >>> MessageFactory.build(empty_body=True, html=True)
    Traceback (most recent call last):
    ...
    pop3s_fake.errors.UsageError: empty_body=True contradicts html=True: a message without a body has none
    """

    class Meta:
        """What is made."""

        model = Message

    class Params:
        """What does not go into the message itself."""

        faked = False

    words: Any = lazy_numbered(lambda made, n: _words(made.seed, n + 1, faked=made.faked))
    subject: Any = lazy(lambda made: made.words.subject(encoded=made.encoded_headers, folded=made.folded_headers))
    sender: Any = lazy(lambda made: made.words.sender(encoded=made.encoded_headers))
    recipient: Any = lazy(lambda made: made.words.recipient(encoded=made.encoded_headers))
    date: Any = lazy(lambda made: made.words.date())
    message_id: Any = lazy(lambda made: made.words.message_id())
    text: Any = lazy(lambda made: "" if made.empty_body else made.words.text())
    attachments: Any = 0
    html: Any = False
    encoded_headers: Any = False
    folded_headers: Any = False
    long_lines: Any = 0
    leading_dots: Any = False
    lone_dots: Any = False
    eight_bit: Any = False
    no_final_newline: Any = False
    empty_body: Any = False
    huge: Any = 0
    broken_mime: Any = False
    maildrop: Any = None

    @classmethod
    def delivering_to(cls, maildrop: Maildrop | Callable[[], Maildrop]) -> type[Self]:
        """The same factory, which delivers to this maildrop unless told otherwise; it begins to count anew.

        A function is called at each delivery, and gives the maildrop.

        >>> maildrop = Maildrop()
        >>> message = MessageFactory.delivering_to(maildrop).create(subject="hello")
        >>> maildrop.uids == [message.uid]
        True
        """
        return cls._with({"maildrop": maildrop})

    @classmethod
    def build(cls, **fields: Any) -> Draft:
        """One message, delivered nowhere."""
        draft = super().build(**fields)
        assert isinstance(draft, Draft)
        return draft

    @classmethod
    def build_batch(cls, size: int, **fields: Any) -> list[Draft]:  # type: ignore[override]  # a Draft is a Message
        """That many messages, delivered nowhere."""
        drafts = super().build_batch(size, **fields)
        return [draft for draft in drafts if isinstance(draft, Draft)]

    @classmethod
    def _build(cls, model_class: type[Message], *args: Any, **values: Any) -> Draft:  # noqa: ARG003  # factory-boy's
        del values["maildrop"]
        return Draft(compose(Letter.of(values)))

    @classmethod
    def _create(cls, model_class: type[Message], *args: Any, **values: Any) -> Message:
        maildrop = values["maildrop"]
        if maildrop is None:
            raise UsageError(
                "create() delivers a message, and nobody said where: pass maildrop=server.maildrop, "
                "or build() one that is delivered nowhere",
            )
        if callable(maildrop):
            maildrop = maildrop()
        if not isinstance(maildrop, Maildrop):
            raise UsageError(f"maildrop must be a Maildrop, or a function that gives one, not {maildrop!r}")
        (message,) = maildrop.add(cls._build(model_class, *args, **values))
        return message


class FakedMessageFactory(MessageFactory):
    """The same with names and texts by Faker.

    >>> FakedMessageFactory.build(seed=7).content == MessageFactory.build(faked=True, seed=7).content
    True
    """

    class Params:
        """What does not go into the message itself."""

        faked = True


def _words(seed: object, number: int, *, faked: object) -> Words:
    return (FakedWords if check_switch("faked", faked) else Words)(check_seed(seed), number)
