"""An even pace: fixed times, helpings of one size, nothing lost."""

from __future__ import annotations

import asyncio

import pytest

from gateway.asgi import even as module
from gateway.asgi.even import MOST_AHEAD, Evened, evened
from gateway.errors import UpstreamError
from gateway.model.caller import key_id_of
from gateway.model.evidence import Verdict
from gateway.perturb.base import Pace
from tests.asgi.conftest import closed
from tests.asgi.test_httpdoor import chat, last_record
from tests.asgi.test_pace import Answer

EVENT = b"data: x\n\n"


def started(answer, tokens=100, every_us=20_000):
    return Evened(answer, Pace(tokens, every_us), asyncio.get_running_loop().time())


async def helpings(answer, **pace):
    even, came = started(answer, **pace), []
    while chunk := await even.read():
        came.append(chunk)
    assert await even.read() == b""
    await even.aclose()
    return came


async def test_what_comes_in_a_burst_goes_out_in_helpings_of_one_size():
    came = await helpings(Answer((0, EVENT * 5), (0, EVENT)))
    assert came == [EVENT * 2] * 3


async def test_what_drips_is_gathered():
    assert b"".join(await helpings(Answer(*[(0.003, EVENT)] * 8), tokens=1000)) == EVENT * 8


async def test_an_event_in_pieces_goes_out_whole_and_so_does_what_never_ended():
    assert await helpings(Answer((0, b"data"), (0, b": x\n"), (0, b"\ndata: y")), tokens=50) == [EVENT, b"data: y"]


async def test_a_whole_answer_waits_for_its_time_and_not_too_long(monkeypatch):
    answer = Answer((0, b"x" * 20), (0, b"y" * 20))
    answer.headers = [(b"content-type", b"application/json")]
    even = started(answer, tokens=200)
    began = asyncio.get_running_loop().time()
    assert await even.read() == b"x" * 20 + b"y" * 20
    assert asyncio.get_running_loop().time() - began >= 0.05
    assert await even.read() == b""
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.01)
    long = Answer((0, b"x" * 100_000))
    long.headers = answer.headers
    assert len(await started(long, tokens=1).read()) == 100_000


async def test_a_break_is_told_after_what_came_before_it():
    even = started(Answer((0, EVENT), (0, UpstreamError("broken", "gone", sent=True))))
    assert await even.read() == EVENT
    with pytest.raises(UpstreamError):
        await even.read()
    await even.aclose()


async def test_no_more_than_the_bound_is_read_ahead():
    large = b"data: " + b"x" * (MOST_AHEAD // 4) + b"\n\n"
    answer = Answer(*[(0, large)] * 20)
    even = started(answer, tokens=50)
    await even.read()
    await asyncio.sleep(0.02)
    assert answer.reads <= 8
    await even.aclose()
    assert answer.closed == 1


async def test_a_client_that_leaves_ends_the_reading():
    answer = Answer((0, EVENT), (60, EVENT))
    even = started(answer)
    assert await even.read() == EVENT
    waiting = asyncio.ensure_future(even.read())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await even.aclose()
    assert len(asyncio.all_tasks()) == 1


async def test_errors_and_answers_without_a_pace_pass():
    answer, refused = Answer(), Answer(status=429)
    assert evened(answer, None, 0.0) is answer
    assert evened(refused, Pace(1, 1), 0.0) is refused


async def test_a_client_that_leaves_a_paced_and_marked_stream_stops_the_upstream_and_settles_once(before, zoo):
    rest = (
        "usage: count\nladder:\n  - { id: open, at: 0, do: allow }\n"
        "  - { id: x, at: 30, do: perturb, with: [pace, fingerprint, samples] }\n"
        "response: { pace: { tokens_per_second: 100, every: 0.02 } }\n"
    )
    with before(zoo.url, rest) as front:
        verdict = Verdict(35.0, frozenset({"wording", "arrival"}), high=35.0)
        front.running.world.history.put(key_id_of(front.running.engine.secret, front.key.encode()), verdict)
        left = zoo.left
        reader, writer = await front.ask(body=chat(stream=True, endless=True), end=False)
        await reader.readuntil(b"word")
        await closed(writer)
        record = await last_record(front, 0)
        assert (record["end"], record["settle"]) == ("client_gone", "settled")
        assert {"pace@1", "fingerprint@1"} <= set(record["perturbed"])
        while zoo.left == left:
            await asyncio.sleep(0.01)
        assert len(front.records()) == 1
