"""Ask a server how it words and reads things, and write a draft of its dialect.

Knows the questions, their order, what may be made of the answers, and the sockets that carry them (in ``wire`` alone);
must not know the command line, nor any server by name.  It never says DELE.
"""

from pop3s_fake.probing.asking import Wishes, ask
from pop3s_fake.probing.drafting import draft
from pop3s_fake.probing.seen import Exchange, Seen, Talk, Unreachable
from pop3s_fake.probing.wire import Place, Sockets

__all__ = ("Exchange", "Place", "Seen", "Sockets", "Talk", "Unreachable", "Wishes", "ask", "draft")
