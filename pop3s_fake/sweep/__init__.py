"""The sweep: one conversation again and again, each time broken at another place.

Knows how a conversation becomes points, and what becomes of each; must not know pytest, which has its own layer on top.
"""

from __future__ import annotations

from pop3s_fake.sweep.points import Point
from pop3s_fake.sweep.sweep import Sweep
from pop3s_fake.sweep.telling import NotReproducible, SweepFailure

__all__ = ("NotReproducible", "Point", "Sweep", "SweepFailure")
