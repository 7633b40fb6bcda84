"""The model of stored mail: messages, maildrops, what a session sees of them, and the accounts they belong to.

Knows RFC 1939 sections 4 to 8 and 11 as far as they speak of mail.  Must not know commands, replies, connections or
files; the layers below are `errors` and `clock`.
"""

from __future__ import annotations

from pop3s_fake.maildrop.account import Account, Login
from pop3s_fake.maildrop.accounts import Accounts
from pop3s_fake.maildrop.content import Source
from pop3s_fake.maildrop.credentials import OrdinaryPassword
from pop3s_fake.maildrop.form import Form
from pop3s_fake.maildrop.lock import MaildropInUse
from pop3s_fake.maildrop.maildrop import Maildrop
from pop3s_fake.maildrop.message import Message
from pop3s_fake.maildrop.open_maildrop import OpenMaildrop, UpdateResult
from pop3s_fake.maildrop.policy import Policy

__all__ = (
    "Account",
    "Accounts",
    "Form",
    "Login",
    "Maildrop",
    "MaildropInUse",
    "Message",
    "OpenMaildrop",
    "OrdinaryPassword",
    "Policy",
    "Source",
    "UpdateResult",
)
