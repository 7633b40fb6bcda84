"""`python -m pop3s_fake.cli`: the command line where its script is not on the path.

Knows the entry only; must not know what follows.
"""

from __future__ import annotations

import sys

from pop3s_fake.cli import main

if __name__ == "__main__":
    sys.exit(main())
