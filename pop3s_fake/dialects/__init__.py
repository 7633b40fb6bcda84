"""Dialects: how real servers word and bend things, each a file of settings for the mechanisms of ``protocol``.

Knows the files, their form and what they settle; must not know sessions, connections or rules.
"""

from pop3s_fake.dialects.catalogue import dialect, dialect_ids
from pop3s_fake.dialects.dialect import Dialect

__all__ = ("Dialect", "dialect", "dialect_ids")
