r"""Mail by the dozen: factories of factory-boy for messages and filled maildrops, the same for the same seed.

Knows where its names live and that factory-boy is an extra.  Must not know servers, pytest or who tests what.

>>> from pop3s_fake import Maildrop
>>> maildrop = Maildrop()
>>> sent = MessageFactory.with_seed(7).create_batch(3, maildrop=maildrop, attachments=2, leading_dots=True)
>>> [message.uid for message in sent] == maildrop.uids
True
>>> MaildropFactory.create(messages=10, html=True)
<Maildrop: 10 messages>
"""

from __future__ import annotations

try:
    from pop3s_fake.factories.maildrops import MaildropFactory
    from pop3s_fake.factories.messages import Draft, FakedMessageFactory, MessageFactory
except ModuleNotFoundError as _missing:
    if str(_missing.name).partition(".")[0] != "factory":
        raise
    raise ImportError(
        "pop3s_fake.factories needs factory-boy: pip install 'pop3s-fake[factories]'", name="factory"
    ) from None

__all__ = ("Draft", "FakedMessageFactory", "MaildropFactory", "MessageFactory")
