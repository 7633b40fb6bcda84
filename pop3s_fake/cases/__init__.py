"""The catalogue of cases: what a server, or the way to it, can do to a client, each under one name.

Knows the cases as data; must not know how a server is made of one, nor any client.  Loads neither ssl nor cryptography.
"""

from __future__ import annotations

from pop3s_fake.cases.case import Case, Impossible
from pop3s_fake.cases.catalogue import case, case_ids, impossible, pop3s_cases

__all__ = ("Case", "Impossible", "case", "case_ids", "impossible", "pop3s_cases")
