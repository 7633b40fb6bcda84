"""Three messages for those who bring none.

Knows what a first look should find: plain text, lines that begin with dots, an attachment.  Must not know who reads it.
"""

from __future__ import annotations

from typing import Final

__all__ = ("ACCOUNT", "MESSAGES")

ACCOUNT: Final = ("demo", "demo-password")
"""Name and password of who may log in when nobody else is named."""

MESSAGES: Final = (
    """\
From: Ann <ann@example.test>
To: Demo <demo@example.test>
Subject: Welcome
Date: Mon, 02 Mar 2026 09:00:00 +0000
Message-ID: <1@example.test>

This came to you over TLS, and its certificate was verified.
""",
    """\
From: Bob <bob@example.test>
To: Demo <demo@example.test>
Subject: A header that goes on
 in a second line
Date: Mon, 02 Mar 2026 10:00:00 +0000
Message-ID: <2@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

The next line is a lone dot, which must not end the message:
.
..and this one begins with two.  Grüße!
""",
    """\
From: Ann <ann@example.test>
To: Demo <demo@example.test>
Subject: With an attachment
Date: Mon, 02 Mar 2026 11:00:00 +0000
Message-ID: <3@example.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="next-part"

--next-part
Content-Type: text/plain; charset=us-ascii

See the attached note.
--next-part
Content-Type: text/plain; name="note.txt"
Content-Disposition: attachment; filename="note.txt"
Content-Transfer-Encoding: base64

VGhlIG5vdGUuCg==
--next-part--
""",
)
