"""The audit sink on files: all lines of one tick of the loop go to disk in one write, and those who wait are told.

A write to the page cache costs less than handing it to a thread, so the loop's own thread does it, until a write has taken long:
then a thread writes, and what comes meanwhile makes up the next batch, until the disk is quick again. With `durable: synced` it
is always the thread. Format and chain: `docs/audit-format.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gateway.audit.folder import log_folder
from gateway.audit.lines import opened_members, record_members, ruling_members
from gateway.audit.read import decode, find_records, read_place
from gateway.audit.recover import recover_all
from gateway.audit.signing import Signer
from gateway.audit.writer import SEGMENT_BYTES, ChainWriter, Entry
from gateway.errors import AuditError, SettingsError
from gateway.model.policy import AuditRules
from gateway.model.record import AuditRecord, Opened
from gateway.model.ruling import Ruling
from gateway.ports import Clock, Meter

__all__ = ["SegmentSink"]

_log = logging.getLogger("gateway.audit")

_TICK_S = 1.0
_SLOW_S, _QUICK_S = 0.02, 0.002
_MAX_WAITING = 64 << 20
"""Bytes of lines that may wait for a disk that does not take them; more are refused at once."""

Waiter = asyncio.Future[None]
Batch = list[tuple[Entry, Waiter | None]]


class SegmentSink:
    """See `ports.AuditSink`. `start` first: it recovers chains of dead processes and begins one of its own; SettingsError where the
    folder cannot be written. Lives on the loop it was started on. `segment_bytes`: size from which a new segment is begun."""

    def __init__(self, data: Path, rules: AuditRules, *, clock: Clock, meter: Meter, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.healthy = True
        self._data = data
        self._clock = clock
        self._meter = meter
        self._synced = rules.durable == "synced"
        self._apart = self._synced
        self._every_s = rules.checkpoint_every_us / 1e6
        self._writer = ChainWriter(data, clock.now, synced=self._synced, segment_bytes=segment_bytes)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._queue: Batch = []
        self._waiting = 0
        self._scheduled = False
        self._writing: asyncio.Future[tuple[int, float, Exception | None]] | None = None
        self._marked_s = 0.0
        self._unmarked_before = 0

    async def start(self) -> None:
        """Recover what others left behind, then begin this process's chain."""
        self._loop = asyncio.get_running_loop()
        try:
            self._writer.signer = signer = await asyncio.to_thread(Signer, self._data, self._clock.now())
            for done in await asyncio.to_thread(recover_all, self._data, self._clock.now(), signer):
                if done.problem:
                    _log.error("audit chain %s was left as it is: %s", done.chain, done.problem)
                elif done.cut or done.orphans:
                    _log.warning("audit chain %s: cut %d bytes, closed %d open streams", done.chain, done.cut, len(done.orphans))
            await asyncio.to_thread(self._writer.begin)
        except OSError as error:
            self._loop = None
            where = log_folder(self._data)
            raise SettingsError(f"the audit log cannot be written under {where}: {error.strerror}; choose another --data") from error
        self._meter.gauge("gateway_audit_up", 1.0)
        self._marked_s = self._loop.time()
        self._timer = self._loop.call_later(self._tick_s, self._tick)

    async def opened(self, line: Opened) -> None:
        """A stream is about to begin."""
        await self._append(Entry("opened", line.at_us, opened_members(line), line.id))

    async def record(self, record: AuditRecord) -> None:
        """A request has ended."""
        await self._append(Entry("record", record.at_us, record_members(record), record.id))

    async def ruling(self, ruling: Ruling) -> None:
        """A person has decided about a caller. Where it cannot be written the caller keeps it and comes again: it is never `lost`."""
        await self._append(Entry("ruling", ruling.at_us, ruling_members(ruling, self._clock.now())))

    async def find(self, record_id: str) -> dict[str, object] | None:
        """A record by its id, from this chain or any other of the folder; the newest if there were two."""
        if not record_id or not record_id.isprintable() or '"' in record_id or "\\" in record_id:
            return None
        place = self._writer.place(record_id)
        if place is not None:
            with contextlib.suppress(OSError):
                return decode(await asyncio.to_thread(read_place, place.path, place.offset, place.length))
        for line in await asyncio.to_thread(find_records, self._data, record_id, whole=True, limit=1):
            return decode(line)
        return None

    async def aclose(self) -> None:
        """Write what waits and the chain's last line. Lines that come later are refused."""
        loop, self._loop = self._loop, None
        if self._timer is not None:
            self._timer.cancel()
        if loop is None:
            return
        if loop is not asyncio.get_running_loop():
            # That loop is over: it won't say when the thread is done, and nobody waits there any more.
            await asyncio.to_thread(self._thread.shutdown)
            self._writing, self._apart = None, False
            self._queue = [(entry, None) for entry, _ in self._queue]
        while self._queue or self._writing is not None:
            if self._writing is not None:
                await asyncio.wait([self._writing])
                await asyncio.sleep(0)
            else:
                self._flush()
        try:
            await asyncio.to_thread(self._writer.close)
        except OSError as error:
            _log.error("the audit chain %s could not be closed: %s", self._writer.folder.name, error.strerror)
        self._thread.shutdown()

    # ── Batches ─────────────────────────────────────────────────────────────────────────────────

    def _append(self, entry: Entry) -> Waiter:
        """Queue a line at once; what comes back is done when the line is as durable as it should be."""
        loop = self._loop
        if loop is None:
            raise AuditError("the audit log is closed")
        if self._waiting > _MAX_WAITING:
            self._writer.forget([entry])
            raise AuditError("the audit log cannot be written: too many lines wait for the disk")
        waiter: Waiter = loop.create_future()
        self._enqueue(loop, entry, waiter)
        return waiter

    def _enqueue(self, loop: asyncio.AbstractEventLoop, entry: Entry, waiter: Waiter | None) -> None:
        self._queue.append((entry, waiter))
        self._waiting += len(entry.members)
        if not self._scheduled and self._writing is None:
            self._scheduled = True
            loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write all lines that wait, as one batch."""
        self._scheduled = False
        if self._writing is not None or not self._queue:
            return
        batch, self._queue, self._waiting = self._queue, [], 0
        entries = [entry for entry, _ in batch]
        if not self._apart:
            self._wrote(batch, *self._write(entries))
            return
        self._writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write, entries)
        self._writing.add_done_callback(lambda done: self._wrote_apart(batch, done))

    def _write(self, entries: Sequence[Entry]) -> tuple[int, float, Exception | None]:
        """(bytes, seconds, what went wrong). On whichever thread writes."""
        begun = time.perf_counter()
        try:
            size, error = self._writer.append(entries), None
        except Exception as caught:  # noqa: BLE001 - whatever it is, those who wait must be told
            size, error = 0, caught
            self._writer.forget(entries)
        return size, time.perf_counter() - begun, error

    def _wrote_apart(self, batch: Batch, done: asyncio.Future[tuple[int, float, Exception | None]]) -> None:
        self._writing = None
        self._wrote(batch, *done.result())
        self._flush()

    def _wrote(self, batch: Batch, size: int, took_s: float, error: Exception | None) -> None:
        meter = self._meter
        self._apart = self._synced or took_s > (_QUICK_S if self._apart else _SLOW_S)
        meter.observe("gateway_audit_write_seconds", took_s)
        if error is None:
            meter.count("gateway_audit_bytes_total", (), size)
            meter.count("gateway_audit_records_total", (), sum(entry.kind == "record" for entry, _ in batch))
            self._is_well()
        else:
            self._is_ill(error)
        for _, waiter in batch:
            if waiter is None or waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(AuditError(f"the audit log cannot be written: {_reason(error)}"))

    def _is_well(self) -> None:
        if not self.healthy:
            self.healthy = True
            self._meter.gauge("gateway_audit_up", 1.0)
            _log.warning("audit lines are written again, in chain %s", self._writer.folder.name)

    def _is_ill(self, error: Exception) -> None:
        self._meter.count("gateway_audit_errors_total", (_reason(error),))
        if self.healthy:
            self.healthy = False
            self._meter.gauge("gateway_audit_up", 0.0)
            _log.error("audit lines cannot be written to %s: %s", self._writer.folder, _reason(error))

    # ── Checkpoints ─────────────────────────────────────────────────────────────────────────────

    @property
    def _tick_s(self) -> float:
        return min(_TICK_S, self._every_s)

    def _tick(self) -> None:
        """Once a second: a checkpoint when it is due or the log has fallen quiet; while lines are being lost, an attempt to write."""
        loop, writer = self._loop, self._writer
        if loop is None:
            return
        quiet = writer.unmarked == self._unmarked_before
        due = loop.time() - self._marked_s >= self._every_s
        if not self.healthy or (writer.unmarked and writer.may_mark and (quiet or due)):
            self._marked_s = loop.time()
            self._enqueue(loop, Entry("checkpoint", self._clock.now()), None)
        self._unmarked_before = writer.unmarked
        self._timer = loop.call_later(self._tick_s, self._tick)


def _reason(error: Exception) -> str:
    """The system's name of an error, such as ENOSPC, else its type."""
    number: Any = getattr(error, "errno", None)
    return errno.errorcode.get(number, type(error).__name__)
