"""A throttled answer: the same bytes in the same rhythm, later."""

from __future__ import annotations

import asyncio

import pytest

from gateway.asgi import pace as module
from gateway.asgi.pace import MOST_AHEAD, Paced, paced
from gateway.errors import UpstreamError
from gateway.model.caller import key_id_of
from gateway.model.evidence import Verdict
from tests.support.live_server import live_server


class Answer:
    """An upstream's answer that gives `chunks`, each after so many seconds; an error is raised."""

    def __init__(self, *chunks, status=200):
        self.status = status
        self.headers = [(b"content-type", b"text/event-stream")]
        self.chunks = list(chunks)
        self.closed = 0
        self.reads = 0

    async def read(self):
        if not self.chunks:
            return b""
        after, chunk = self.chunks.pop(0)
        await asyncio.sleep(after)
        self.reads += 1
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    async def aclose(self):
        self.closed += 1


async def times_of(answer, share):
    """What came of an answer, and how long after it was sent each piece did."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    slow = paced(answer, share, began)
    came = []
    while chunk := await slow.read():
        came.append((chunk, loop.time() - began))
    assert await slow.read() == b""
    await slow.aclose()
    return came


async def test_everything_takes_as_much_longer_as_the_share_says():
    came = await times_of(Answer((0.02, b"a"), (0.02, b"b"), (0.02, b"c")), 0.5)
    assert [chunk for chunk, _ in came] == [b"a", b"b", b"c"]
    for (_, at), least in zip(came, (0.04, 0.08, 0.12), strict=True):
        assert at >= least


async def test_what_comes_at_once_goes_at_once():
    answer = Answer((0.03, b"a"), *[(0, b"b")] * 20)
    came = await times_of(answer, 0.5)
    assert came[0][1] >= 0.06
    assert came[-1][1] - came[0][1] < 0.06


async def test_a_whole_share_changes_nothing_and_errors_are_not_held_back():
    answer = Answer()
    assert paced(answer, 1.0, 0.0) is answer
    refused = Answer(status=429)
    assert paced(refused, 0.1, 0.0) is refused


async def test_nothing_falls_behind_by_more_than_its_bound(monkeypatch):
    monkeypatch.setattr(module, "LONGEST_LAG_S", 0.05)
    came = await times_of(Answer((0.02, b"a")), 0.0001)
    assert 0.07 <= came[0][1] < 5


async def test_no_more_than_the_bound_is_read_ahead():
    answer = Answer(*[(0, b"x" * (MOST_AHEAD // 4))] * 100)
    slow = Paced(answer, 0.5, asyncio.get_running_loop().time())
    await slow.read()
    await asyncio.sleep(0.02)
    assert answer.reads <= 7
    total = 1
    while await slow.read():
        total += 1
    assert total == 100
    await slow.aclose()


async def test_a_break_is_told_in_its_turn():
    broke = UpstreamError("broken", "gone", sent=True)
    slow = Paced(Answer((0, b"a"), (0, broke)), 0.5, asyncio.get_running_loop().time())
    assert await slow.read() == b"a"
    with pytest.raises(UpstreamError):
        await slow.read()
    assert await slow.read() == b""
    await slow.aclose()


async def test_a_client_that_leaves_ends_the_reading_and_closes_the_connection():
    answer = Answer((0, b"a"), (60, b"b"))
    slow = Paced(answer, 0.5, asyncio.get_running_loop().time())
    assert await slow.read() == b"a"
    waiting = asyncio.ensure_future(slow.read())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await slow.aclose()
    assert answer.closed == 1
    assert len(asyncio.all_tasks()) == 1


async def test_an_answer_that_is_never_read_is_closed_all_the_same():
    answer = Answer((0, b"a"))
    await Paced(answer, 0.5, 0.0).aclose()
    assert answer.closed == 1


LADDER = """ladder:
  - { id: open, at: 0, do: allow }
  - { id: slowed, at: 20, do: throttle, share: 0.25 }
"""


async def streaming(scope, receive, send):
    """A model that takes 0.15 seconds for fifteen tokens."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for number in range(15):
        await asyncio.sleep(0.01)
        event = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word %d"}}]}\n\n' % number
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


async def test_a_throttled_caller_s_stream_is_slower_and_otherwise_the_same(before):
    with live_server(streaming) as url, before(url, LADDER) as front:
        body = b'{"model":"m","messages":[],"stream":true}'
        free = await front.ask(body=body)
        key_id = key_id_of(front.running.engine.secret, front.key.encode())
        front.running.world.history.put(key_id, Verdict(25.0, frozenset({"wording", "arrival"}), high=25.0))
        began = asyncio.get_running_loop().time()
        slowed = await front.ask(body=body)
        took = asyncio.get_running_loop().time() - began
    assert (slowed[0], slowed[2]) == (200, free[2])
    assert took >= 0.55
    assert set(slowed[1]) == set(free[1])
    # The limits that are told are the ones that hold for him.
    told = [int(fields["x-ratelimit-limit-requests"]) for _, fields, _ in (free, slowed)]
    assert told == [100_000, 25_000]
