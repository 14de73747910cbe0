"""One connection: each reply to its call, and what was not answered is told once when it ends."""

from __future__ import annotations

import asyncio

from gateway.stores.redis_link import Call, Link


class Pipe:
    """What a link writes to."""

    def __init__(self):
        self.written, self.closing = b"", False

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.closing

    def abort(self):
        self.closing = True


def linked():
    lost, loop = [], asyncio.get_running_loop()
    link = Link(lambda: None, lambda _, calls: lost.extend(calls))
    link._transport = Pipe()
    return link, lost, [Call(b"%d" % n, loop.create_future(), 0.0, replies) for n, replies in enumerate((1, 2, 1))]


async def test_replies_come_in_the_order_of_the_calls_and_of_two_the_last_counts():
    link, lost, calls = linked()
    link.send(calls[:2])
    link.send(calls[2:])
    assert (link._transport.written, link.batches) == (b"012", 2)
    link.data_received(b":0\r\n+OK\r\n:1\r\n")
    assert (link.batches, calls[2].future.done()) == (1, False)
    link.data_received(b":2\r\n")
    assert ([call.future.result() for call in calls], link.batches, lost) == ([0, 1, 2], 0, [])


async def test_what_was_not_answered_is_told_when_it_ends():
    link, lost, calls = linked()
    link.send(calls)
    link.data_received(b":0\r\n")
    link.connection_lost(None)
    assert lost == calls[1:]
    assert link.closed.done()


async def test_who_speaks_unasked_is_not_listened_to():
    link, _, _ = linked()
    link.data_received(b":0\r\n")
    assert link._transport.closing
    assert not link.usable()
