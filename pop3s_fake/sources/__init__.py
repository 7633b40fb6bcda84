"""Mail from the disk: a Maildir, an mbox, one `.eml` file, or a folder of them, as a maildrop.

Knows how mail is stored in files; must not know who reads it, nor by which protocol.
"""

from __future__ import annotations

from pop3s_fake.sources.load import Kind, Loaded, load

__all__ = ("Kind", "Loaded", "load")
