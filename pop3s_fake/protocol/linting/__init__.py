"""The client linter: told what a client sends and what it was told, it says which requirements the client breaks.

Knows the ids of ``client_rows.toml`` that a server can see by itself, and how each shows; must not know octets on
their way, TLS, or whom a breach is told to.  A breach is a certain one: where the client may be right, nothing is said.
"""

from pop3s_fake.protocol.linting.breach import Breach
from pop3s_fake.protocol.linting.forms import first_line
from pop3s_fake.protocol.linting.linter import WATCHED, Linter
from pop3s_fake.protocol.linting.past import Past, Visit

__all__ = ("WATCHED", "Breach", "Linter", "Past", "Visit", "first_line")
