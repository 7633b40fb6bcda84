"""One mechanism for scripted replies and faults: when, do, limits.

Knows points of a conversation, octets of replies and what can be done to them; must not know POP3 sessions, sockets,
threads or files.  A rule is written as a text or built by methods (``rule``, ``grammar``); the rule book says which
rules apply (``book``, ``bound``); the pipeline makes operations of them (``pipeline``, ``run``, ``operations``).
"""

from __future__ import annotations

from pop3s_fake.rules.book import RuleBook, SessionRules
from pop3s_fake.rules.bound import Bound
from pop3s_fake.rules.rule import Rule

__all__ = ("Bound", "Rule", "RuleBook", "SessionRules")
