"""A flagged caller's answer as it comes from upstream, altered before anything else sees it."""

from __future__ import annotations

from gateway.dialects.altering import Edits, Rewriting, rewriting
from gateway.ports import Headers, UpstreamAnswer

__all__ = ["Altered", "altered"]


def altered(answer: UpstreamAnswer, edits: Edits) -> UpstreamAnswer:
    """The answer under `edits`; itself where it is an error, or nothing that can be altered."""
    rewrites = rewriting(edits, answer.status, answer.headers)
    return answer if rewrites is None else Altered(answer, rewrites)


class Altered:
    """An `ports.UpstreamAnswer` behind another. `read` raises UpstreamError where what came cannot be read."""

    def __init__(self, answer: UpstreamAnswer, rewrites: Rewriting) -> None:
        self.status: int = answer.status
        self.headers: Headers = answer.headers
        self._answer = answer
        self._rewrites = rewrites
        self._ended = False

    async def read(self) -> bytes:
        """See `ports.UpstreamAnswer`."""
        while not self._ended:
            chunk = await self._answer.read()
            self._ended = not chunk
            out = self._rewrites.feed(chunk) if chunk else self._rewrites.rest()
            if out:
                return out
        return b""

    async def aclose(self) -> None:
        """See `ports.UpstreamAnswer`."""
        await self._answer.aclose()
