"""Quirks: named deviations of real servers, each with who does it, where that is told, and how a client takes it.

Knows what quirks are made of: rules, changes of replies, settings of a server.  Must not know servers, connections or
the protocol; what is written about each stands in the files beside this one.
"""

from pop3s_fake.quirks.asking import Asked, asked, demands, named, rules_of, rules_of_all
from pop3s_fake.quirks.catalogue import quirk, quirk_ids
from pop3s_fake.quirks.entry import Quirk

__all__ = ("Asked", "Quirk", "asked", "demands", "named", "quirk", "quirk_ids", "rules_of", "rules_of_all")
