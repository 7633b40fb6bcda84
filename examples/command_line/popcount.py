"""``python popcount.py``: how many messages wait, for a status bar; a program of its own, with exit codes.

It reads POP3S_HOST, POP3S_PORT, POP3S_USER and POP3S_PASSWORD, and trusts what the system trusts.
"""

from __future__ import annotations

import os
import poplib
import ssl
import sys

TEMPORARY, PERMANENT = 75, 77  # EX_TEMPFAIL and EX_NOPERM of sysexits.h: try again later, or ask somebody


def main() -> int:
    """Print the number; a sentence on standard error and an exit code where there is none."""
    place = os.environ["POP3S_HOST"], int(os.environ["POP3S_PORT"])
    try:
        client = poplib.POP3_SSL(*place, context=ssl.create_default_context(), timeout=10)
        client.user(os.environ["POP3S_USER"])
        client.pass_(os.environ["POP3S_PASSWORD"])
        print(client.stat()[0])  # noqa: T201  # what the program is for
        client.quit()
    except ssl.SSLCertVerificationError as error:
        sys.stderr.write(f"popcount: do not trust {place[0]}: {error.verify_message}\n")
        return PERMANENT
    except (OSError, poplib.error_proto) as error:
        sys.stderr.write(f"popcount: {error}\n")
        return TEMPORARY
    return 0


if __name__ == "__main__":
    sys.exit(main())
