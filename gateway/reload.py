"""The policy in force, and how a new one takes its place while requests are under way.

A request keeps the `Policy` it began with, so a swap is one assignment. A file that is wrong changes nothing: the old policy
stays, a metric and a log line say so. Usage survives because counters are named by limit, not by policy.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from watchfiles import awatch

from gateway.errors import GatewayError, PolicyError, PolicyProblem
from gateway.model.policy import Policy
from gateway.policy.load import load
from gateway.ports import Meter

__all__ = ["PolicyHolder", "Reloaded"]

_log = logging.getLogger("gateway")

_LOOK_EVERY_MS = 5_000
"""How often the file is looked at even if the system reports nothing, as network drives do."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of a reload: `changed` says whether another policy is in force now; `problems` why a file was not taken."""

    changed: bool
    problems: tuple[PolicyProblem, ...] = ()


class PolicyHolder:
    """Holds the policy in force. `current` may be read anywhere; `reload` may be called from any thread.

    `accept` is shown every new policy first; a GatewayError that it raises refuses the policy as a wrong file is refused. So a policy
    that is right by itself and cannot be run here (no upstream, say) never comes into force.
    """

    def __init__(self, path: Path, policy: Policy, *, meter: Meter, accept: Callable[[Policy], object] | None = None) -> None:
        self.path = path
        self.current = policy
        self._accept = accept
        self._meter = meter
        self._lock = threading.Lock()
        self._seen = _signature(path)
        self._tell_loaded()

    def reload(self) -> Reloaded:
        """Read the file anew, and put its policy in force where it is right and other than the running one.

        Never raises for what is in the file. Blocks for as long as reading takes: call it in a thread.
        """
        with self._lock:
            self._seen = _signature(self.path)
            try:
                policy = load(self.path)
                if self._accept is not None:
                    self._accept(policy)
            except PolicyError as error:
                return self._refused(tuple(error.problems))
            except (GatewayError, OSError) as error:
                return self._refused((PolicyProblem(str(self.path), 0, 0, "", str(error)),))
            if policy.digest == self.current.digest:
                self._meter.count("gateway_policy_reloads_total", ("unchanged",))
                return Reloaded(False)
            self._put_in_force(policy)
            return Reloaded(True)

    async def watch(self) -> None:
        """Reload whenever the file changes, until cancelled.

        The folder is watched, not the file: editors, deployments and mounted config maps put a new file in the old one's place.
        """
        folders = {self.path.absolute().parent, self.path.resolve().parent}
        try:
            async for _ in awatch(*folders, watch_filter=None, recursive=False, rust_timeout=_LOOK_EVERY_MS, yield_on_timeout=True):
                await self._look()
        except (OSError, RuntimeError) as error:
            _log.warning("the policy's folder cannot be watched (%s): the file is looked at every %d s", error, _LOOK_EVERY_MS // 1000)
        while True:
            await asyncio.sleep(_LOOK_EVERY_MS / 1000)
            await self._look()

    async def _look(self) -> None:
        signature = _signature(self.path)
        if signature is not None and signature != self._seen:
            await asyncio.to_thread(self.reload)

    def _put_in_force(self, policy: Policy) -> None:
        before, self.current = self.current, policy
        self._meter.count("gateway_policy_reloads_total", ("ok",))
        self._tell_loaded()
        _log.info("policy %s is in force, after %s", policy.label, before.label)
        if _at_start(policy) != _at_start(before):
            _log.warning("policy %s: changes to `audit` (but `when_lost`) and `signals.memory` wait for the next start", policy.label)

    def _refused(self, problems: tuple[PolicyProblem, ...]) -> Reloaded:
        self._meter.count("gateway_policy_reloads_total", ("failed",))
        shown = "; ".join(str(problem) for problem in problems[:5])
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        _log.error("the policy file is not taken, %s stays in force: %s%s", self.current.label, shown, more)
        return Reloaded(False, problems)

    def _tell_loaded(self) -> None:
        self._meter.gauge("gateway_policy_loaded_timestamp_seconds", time.time())


def _at_start(policy: Policy) -> object:
    """What is read once, when the gateway starts."""
    return replace(policy.audit, when_lost="allow"), policy.memory


def _signature(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is written or replaced, None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
