"""Records, clocks and logs for the tests of the audit room."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from gateway.audit.folder import chain_folders, segments
from gateway.audit.lines import encode, opened_members, record_members
from gateway.audit.read import decode, lines_of
from gateway.audit.segments import SegmentSink
from gateway.audit.writer import ChainWriter, Entry
from gateway.metrics import Metrics
from gateway.model.caller import Caller
from gateway.model.decision import Action, Decision
from gateway.model.policy import AuditRules
from gateway.model.record import AuditRecord, Opened
from gateway.model.request import Estimate, RequestFacts, Usage
from gateway.model.value import replace

START = 1_795_527_621_000_000


class Clock:
    """The machine's."""

    def now(self):
        return time.time_ns() // 1000


class Ticking:
    """One millisecond further at each look."""

    def __init__(self, start=START):
        self.at = start

    def now(self):
        self.at += 1000
        return self.at


def a_record(id_, at_us=START, **changes):
    """A record of an ordinary request."""
    record = AuditRecord(
        id=id_,
        at_us=at_us,
        ended_us=at_us + 250_000,
        method="POST",
        path="/v1/chat/completions",
        peer="10.1.2.3",
        caller=Caller("ab" * 16, "acme", tier="standard", tags=frozenset({"paid", "eu"}), attributes={"asn": "64500"}),
        facts=RequestFacts("openai.chat", "chat", "gpt-4o", logit_bias=(-1.0, 2.0), estimate=Estimate(10, 20, False)),
        decision=Decision("forward", Action.ALLOW, Action.WATCH, "open", "open", "default@1#0123456789ab", limits=("rpm",)),
        end="complete",
        status=200,
        upstream="main",
        upstream_status=200,
        usage=Usage(12, 34, source="upstream"),
        settle="settled",
    )
    return replace(record, **changes)


def an_opening(id_, at_us=START):
    return Opened(id_, at_us, "ab" * 16, "acme", "gpt-4o")


def entry(id_, at_us=START, **changes):
    """A record as an entry of a writer."""
    return Entry("record", at_us, record_members(a_record(id_, at_us, **changes)), id_)


def opening(id_, at_us=START):
    return Entry("opened", at_us, opened_members(an_opening(id_, at_us)), id_)


def checkpoint(at_us=START):
    return Entry("checkpoint", at_us)


def small(id_, at_us=START):
    """A short record line, for logs of many."""
    return Entry("record", at_us, encode({"id": id_, "ended": at_us}), id_)


def sink(data, *, durable="written", every_us=10_000_000, segment_bytes=64 << 20, metrics=None):
    """A sink, not started."""
    rules = AuditRules(durable=durable, checkpoint_every_us=every_us)
    return SegmentSink(data, rules, clock=Clock(), meter=metrics or Metrics(), segment_bytes=segment_bytes)


def writer(data, **options):
    """A writer that has begun."""
    made = ChainWriter(data, Ticking().now, **options)
    made.begin()
    return made


def abandon(made):
    """What a kill does to a writer: its files and lock are gone, nothing more is written."""
    made._let_go()


def lines(data):
    """All lines of all chains, decoded."""
    return [decode(line) for chain in chain_folders(data) for path in segments(chain) for line in lines_of(path)]


def record_ids(data):
    return [line["id"] for line in lines(data) if line["kind"] == "record"]


async def child(code, *arguments):
    """A Python process that runs `code` in this checkout, standard output piped."""
    root = Path(__file__).resolve().parents[2]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *map(str, arguments), cwd=root, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
