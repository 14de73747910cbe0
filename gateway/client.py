"""The client's side of a challenge: solves the puzzle that a gateway asks for, and sends the request again.

For any client on httpx, the official SDKs among them:

    client = OpenAI(base_url=..., http_client=httpx.Client(auth=ProofOfWork()))
    client = AsyncAnthropic(base_url=..., http_client=httpx.AsyncClient(auth=ProofOfWork()))

Needs nothing of the gateway but this file, which may be copied.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Generator
from itertools import count

import httpx

__all__ = ["ProofOfWork", "TooMuchWork", "solve"]

_PARTS = 16


class TooMuchWork(Exception):
    """The puzzle asks for more work than this client is willing to do."""


def solve(puzzle: str, most_work: int = 2**30) -> str:
    """The solution of a puzzle as `x-gateway-challenge` carries it. TooMuchWork above `most_work` hashes, ValueError where it is none.

    Takes about half a second per million hashes.
    """
    version, _, work, *_ = fields = puzzle.split(".")
    if version != "azc1" or len(fields) != 5 or not work.isdigit():
        raise ValueError("this is no puzzle of version azc1")
    if int(work) > most_work:
        raise TooMuchWork(f"the puzzle asks for {work} hashes, this client does at most {most_work}")
    below = (2**64 * _PARTS // max(int(work), _PARTS)).to_bytes(9, "big")[1:] if int(work) > _PARTS else b"\xff" * 8
    return f"{puzzle}:{','.join(_number(f'{puzzle}:{part}:'.encode(), below) for part in range(_PARTS))}"


def _number(prefix: bytes, below: bytes) -> str:
    start = hashlib.sha256(prefix)
    for number in count():
        tried = start.copy()
        tried.update(b"%d" % number)
        if tried.digest()[:8] < below:
            return str(number)
    raise AssertionError("count never ends")


class ProofOfWork(httpx.Auth):
    """Solves challenges as they come, each request's own; requests that meet none are sent as they are. `most_work` in hashes.

    The body is read into memory, because it may have to be sent twice.
    """

    requires_request_body = True

    def __init__(self, most_work: int = 2**30) -> None:
        self._most_work = most_work

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See `httpx.Auth`."""
        request.read()
        response = yield request
        puzzle = _asked(response)
        if puzzle:
            request.headers["x-gateway-solution"] = solve(puzzle, self._most_work)
            yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See `httpx.Auth`. The work is done in a thread."""
        await request.aread()
        response = yield request
        puzzle = _asked(response)
        if puzzle:
            request.headers["x-gateway-solution"] = await asyncio.to_thread(solve, puzzle, self._most_work)
            yield request


def _asked(response: httpx.Response) -> str:
    return response.headers.get("x-gateway-challenge", "") if response.status_code == 403 else ""
