"""Octets to command lines where LF alone may end one, and where a line that is too long depends on the state.

Knows line ends; must not know what a line means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Self

from pop3s_fake.protocol.lines import RESPONSE_LIMIT, Line, LineReader, Piece

if TYPE_CHECKING:
    from collections.abc import Callable

    from pop3s_fake.protocol.manner import Manner

__all__ = ("LooseReader",)

_BARE: Final = re.compile(rb"(?<!\r)\n")


class LooseReader(LineReader):
    r"""A reader of lines that end in LF, with CR before it or without; ``tell`` hears of each one without.

    >>> reader = LooseReader(100, bare_lf=True, tell=print)
    >>> reader.feed(b"STAT\nNOOP\r"), reader.feed(b"\n")
    b'STAT\nNOOP\r'
    ([b'STAT'], [b'NOOP'])
    """

    __slots__ = ("_bare_lf", "_block", "_cuts", "_responses", "_tell", "_within")

    rest: bytes

    def __init__(
        self,
        limit: int,
        *,
        bare_lf: bool,
        tell: Callable[[bytes], None],
        cuts: bool = False,
        block: int = 0,
        responses: int = 0,
    ) -> None:
        """Take lines of at most ``limit`` octets, their CRLF counted.

        ``cuts``: a longer one is several; ``block``: it is given with its end, so many octets of it at once;
        ``responses``: the limit of a line of an AUTH exchange; 0: the same.
        """
        super().__init__(limit)
        self._responses = responses - 2
        self._bare_lf = bare_lf
        self._cuts = cuts
        self._block = block
        self._tell = tell
        self._within = False
        """Whether what comes next goes on in a line of which a piece was given."""

    @classmethod
    def of(cls, manner: Manner, limit: int, tell: Callable[[bytes], None]) -> Self:
        """The reader of this manner: one for whoever speaks it, over sockets or in a model."""
        place = manner.before
        return cls(
            limit,
            bare_lf=manner.reading.bare_lf,
            tell=tell,
            cuts=place.longer == "cut",
            block=place.block if place.longer == "echoed" else 0,
            responses=manner.login.response,
        )

    def takes(self, limit: int, *, cuts: bool, block: int) -> None:
        """From now on take lines of at most so many octets, and longer ones in this way."""
        self._limit = limit - 2
        self._cuts = cuts
        self._block = block

    def feed(self, octets: bytes = b"") -> list[Line]:
        """The lines that these octets complete."""
        if not octets and not self.held:
            return []
        single = octets[-2:] == b"\r\n" and octets.find(b"\n") == len(octets) - 1 <= self._limit + 1
        if single and not (self.rest or self._dropping or self._within):  # as most come
            self.held = False
            return [octets[:-2]]
        if self._block:
            return self._blocks(octets)
        octets = self._regular(octets)
        return self._pieces(octets) if self._cuts else super().feed(octets)

    def _pieces(self, octets: bytes) -> list[Line]:
        """The same, of lines of any length; as many octets as fit are a line as soon as they have come."""
        *whole, rest = (self.rest + octets).split(b"\r\n")
        most = self._limit
        lines: list[Line] = []
        for line in whole:
            lines += [self._piece(line[at : at + most]) for at in range(0, len(line), most)] or [self._piece(b"")]
            self._within = False
        full = len(rest) - len(rest) % most
        lines += [self._piece(rest[at : at + most]) for at in range(0, full, most)]
        self.rest = rest[full:]
        return lines

    def _piece(self, octets: bytes) -> bytes:
        """These octets of a line, of which others may have been given; more may follow."""
        piece = Piece(octets) if self._within else octets
        self._within = True
        return piece

    def _blocks(self, octets: bytes) -> list[Line]:
        """The same, where one that is too long is given as it came; a line ends in LF here."""
        rest = self.rest + octets
        lines: list[Line] = []
        while rest:
            end = rest.find(b"\n", 0, self._block) + 1 or self._block
            if end > len(rest):
                break
            line, rest = rest[:end], rest[end:]
            if line.endswith(b"\n") and not line.endswith(b"\r\n"):
                self._tell(line)
            ended = line.endswith(b"\n")
            lines.append(self._piece(line if end > self._limit + 2 else line.removesuffix(b"\n").removesuffix(b"\r")))
            self._within = not ended
        self.rest = rest
        return lines

    def response(self, octets: bytes = b"", limit: int = RESPONSE_LIMIT - 2) -> Line | None:
        """The next line of an AUTH exchange, which may be no longer than any other here, where nothing else is said."""
        most = self._responses if self._responses > 0 else limit if self._cuts else self._limit
        return super().response(self._regular(octets), min(limit, most))

    def _drop(self, rest: bytes) -> None:
        """Take no more of this line; where lines come in pieces, what is left of it is some."""
        super()._drop(rest)
        self._within = self._cuts or self._block > 0

    def _regular(self, octets: bytes) -> bytes:
        """The same octets with CRLF where there was LF."""
        if not self._bare_lf or octets.count(b"\n") == octets.count(b"\r\n"):
            return octets
        head = octets[:1] if self.rest.endswith(b"\r") else b""
        tail = octets[len(head) :]
        regular = _BARE.sub(b"\r\n", tail)
        if regular != tail:
            self._tell(octets)
        return head + regular
