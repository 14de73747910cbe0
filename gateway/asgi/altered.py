"""A flagged caller's answer as it comes from upstream, altered before anything else sees it.

Where its reasoning is to be told again (`Retell`), the answer is held to its end, a stream too: another model needs the whole of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.dialects.altering import MAX_DOCUMENT, Edits, Rewriting, rewriting
from gateway.errors import UpstreamError
from gateway.ports import Headers, UpstreamAnswer

__all__ = ["Altered", "Retell", "altered"]

Retell = Callable[[bytes | None, bool], Awaitable[None]]
"""Has the reasoning of an answer told again, before it is edited: its bytes, None where they broke off, and whether it is a stream."""


def altered(answer: UpstreamAnswer, edits: Edits, retell: Retell | None = None) -> UpstreamAnswer:
    """The answer under `edits`; itself where it is an error, or nothing that can be altered."""
    rewrites = rewriting(edits, answer.status, answer.headers)
    return answer if rewrites is None else Altered(answer, rewrites, retell)


class Altered:
    """An `ports.UpstreamAnswer` behind another. `read` raises UpstreamError where what came cannot be read."""

    def __init__(self, answer: UpstreamAnswer, rewrites: Rewriting, retell: Retell | None = None) -> None:
        self.status: int = answer.status
        self.headers: Headers = answer.headers
        self._answer = answer
        self._rewrites = rewrites
        self._retell = retell
        self._ended = False
        self._broke: UpstreamError | None = None

    async def read(self) -> bytes:
        """See `ports.UpstreamAnswer`."""
        if self._retell is not None and (out := await self._retold(self._retell)):
            return out
        while not self._ended:
            chunk = await self._answer.read()
            self._ended = not chunk
            out = self._rewrites.feed(chunk) if chunk else self._rewrites.rest()
            if out:
                return out
        broke, self._broke = self._broke, None
        if broke is not None:
            raise broke
        return b""

    async def aclose(self) -> None:
        """See `ports.UpstreamAnswer`."""
        await self._answer.aclose()

    async def _retold(self, retell: Retell) -> bytes:
        """The whole answer with its reasoning told again; of one that breaks off, or is too large to be held, without any."""
        self._retell = None
        held = bytearray()
        try:
            while not self._ended and len(held) <= MAX_DOCUMENT:
                chunk = await self._answer.read()
                self._ended = not chunk
                held += chunk
        except UpstreamError as error:
            self._broke, self._ended = error, True
        stream = dict(self.headers).get(b"content-type", b"").startswith(b"text/event-stream")
        await retell(bytes(held) if self._ended and self._broke is None else None, stream)
        out = self._rewrites.feed(bytes(held)) if held else b""
        return out + self._rewrites.rest() if self._ended and self._broke is None else out
