"""Has reasoning told again by the endpoint that the policy names, within its time and its budget.

Whatever goes wrong there, the answer goes on without the reasoning: a failure here is a short word for the record, never an error.
Nothing that was sent or came back is logged.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from gateway.errors import UpstreamError
from gateway.model.policy import UpstreamRule
from gateway.perturb.retelling import Retelling, asked, faithful, retold_in
from gateway.ports import Upstream, UpstreamAnswer, UpstreamRequest

__all__ = ["Retold", "Rewriter"]

_MOST_BYTES = 8 * 1024 * 1024
_HOUR_S = 3600.0
_CONNECTIONS = 32


class Retold(NamedTuple):
    """What stands for the reasoning, None where it is withheld; and why: `retold`, `none` (there was no reasoning), or `withheld.` and
    `budget`, `size`, `timeout`, `credential`, `fault` or `gate`."""

    text: str | None
    note: str


class Rewriter:
    """`pool(rule)` is the way to an endpoint. The budgets are this process's own, one for each endpoint and model."""

    def __init__(self, pool: Callable[[UpstreamRule], Upstream]) -> None:
        self._pool = pool
        self._calls: dict[tuple[str, str], deque[float]] = {}

    async def retold(self, retelling: Retelling, trace: str, answer: str) -> Retold:
        """A trace told again, by the gate of `retelling.faithful`."""
        options = retelling.rewriter
        if not trace.strip():
            return Retold(None, "none")
        if len(trace) + len(answer) > options.most:
            return Retold(None, "withheld.size")
        if options.credential_env and not os.environ.get(options.credential_env):
            return Retold(None, "withheld.credential")
        if not self._within_budget((options.url, options.model), options.per_hour):
            return Retold(None, "withheld.budget")
        try:
            async with asyncio.timeout(options.timeout):
                text = retold_in(await self._ask(retelling, asked(retelling, trace, answer)))
        except TimeoutError:
            return Retold(None, "withheld.timeout")
        except (UpstreamError, ValueError):
            return Retold(None, "withheld.fault")
        return Retold(text, "retold") if faithful(trace, answer, text) else Retold(None, "withheld.gate")

    def _within_budget(self, name: tuple[str, str], per_hour: int) -> bool:
        now = asyncio.get_running_loop().time()
        calls = self._calls.setdefault(name, deque())
        while calls and calls[0] <= now - _HOUR_S:
            calls.popleft()
        if len(calls) >= per_hour:
            return False
        calls.append(now)
        return True

    async def _ask(self, retelling: Retelling, body: bytes) -> bytes:
        options = retelling.rewriter
        base = options.url.rstrip("/")
        fields = [(b"content-type", b"application/json"), (b"accept", b"application/json"), (b"accept-encoding", b"identity")]
        if options.credential_env:
            fields.append((b"authorization", b"Bearer " + os.environ[options.credential_env].encode()))
        wait_us = int(options.timeout * 1e6) + 1
        request = UpstreamRequest(
            method="POST",
            url=base + ("" if base.endswith("/v1") else "/v1") + "/chat/completions",
            headers=fields,
            body=body,
            connect_timeout_us=wait_us,
            first_byte_timeout_us=wait_us,
            idle_timeout_us=wait_us,
        )
        answer = await self._pool(UpstreamRule("rewriter", options.url, max_connections=_CONNECTIONS)).send(request)
        try:
            return await _body(answer)
        finally:
            await answer.aclose()


async def _body(answer: UpstreamAnswer) -> bytes:
    """An answer's body; ValueError where it is an error or too large."""
    if answer.status != 200:
        raise ValueError("an error")
    body = bytearray()
    while chunk := await answer.read():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ValueError("too large")
    return bytes(body)
