"""The policy in force: a right file takes its place at once, a wrong one changes nothing, whatever way the file is written."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import threading
import time

import pytest

from gateway.core.claims import claims_for
from gateway.core.decide import decide
from gateway.errors import SettingsError
from gateway.metrics import Metrics
from gateway.model.caller import Caller
from gateway.model.evidence import NO_VERDICT
from gateway.model.limit import Hold
from gateway.model.request import RequestFacts
from gateway.policy.load import load
from gateway.reload import PolicyHolder
from gateway.stores.memory_holds import MemoryHolds

TEXT = """\
schema: gateway.policy/v1
name: small
version: "1"
callers: [{ id: everyone, match: {}, tier: free }]
tiers:
  free: { models: ["*"], limits: [{ id: rpm, count: requests, rate: 20/minute, per: key }] }
"""


class WallClock:
    """This machine's time."""

    def now(self):
        return time.time_ns() // 1000


class Meter:
    """Keeps what was counted, and has the real names to count under."""

    def __init__(self):
        self.real = Metrics()
        self.counted = []
        self.gauged = []

    def count(self, name, labels=(), amount=1):
        self.real.count(name, labels, amount)
        self.counted.append((name, *labels))

    def gauge(self, name, value, labels=()):
        self.real.gauge(name, value, labels)
        self.gauged.append((name, value))

    def observe(self, name, value, labels=()):
        self.real.observe(name, value, labels)

    def outcomes(self):
        return [labels[1] for labels in self.counted if labels[0] == "gateway_policy_reloads_total"]


@pytest.fixture(autouse=True)
def _no_looking(monkeypatch):
    """What is noticed here is noticed because the system says so, not because the file is looked at now and then."""
    monkeypatch.setattr("gateway.reload._LOOK_EVERY_MS", 3_600_000)


@pytest.fixture
def meter():
    return Meter()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def holder(path, meter):
    return PolicyHolder(path, load(path), meter=meter)


@contextlib.asynccontextmanager
async def watched(holder):
    task = asyncio.ensure_future(holder.watch())
    await asyncio.sleep(0.1)  # until the system watches
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert task.cancelled()


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


def rewrite(path, old, new):
    path.write_text(path.read_text().replace(old, new))


def test_a_new_policy_is_put_in_force(holder, path, meter):
    before = holder.current
    rewrite(path, "20/minute", "30/minute")
    assert holder.reload().changed
    assert holder.current.tiers["free"].limits[0].amount == 30
    assert before.tiers["free"].limits[0].amount == 20, "what a request began with stays as it was"
    assert meter.outcomes() == ["ok"]


def test_the_same_rules_are_not_put_in_force_again(holder, path, meter):
    before = holder.current
    path.write_text("# a comment\n" + TEXT)
    assert not holder.reload().changed
    assert holder.current is before
    assert meter.outcomes() == ["unchanged"]


@pytest.mark.parametrize(
    "wrong", [TEXT.replace("20/minute", "20/minuet"), "", "schema: [", TEXT.replace("tier: free }", "tier: fee }"), "\x00"]
)
def test_a_wrong_file_keeps_the_old_policy_and_says_so(holder, path, meter, caplog, wrong):
    before = holder.current
    path.write_text(wrong)
    with caplog.at_level(logging.ERROR, "gateway"):
        result = holder.reload()
    assert not result.changed
    assert result.problems
    assert holder.current is before
    assert meter.outcomes() == ["failed"]
    assert f"the policy file is not taken, {before.label} stays in force: {path}" in caplog.text


def test_a_file_that_is_gone_keeps_the_old_policy(holder, path, meter):
    path.unlink()
    assert holder.reload().problems
    assert meter.outcomes() == ["failed"]


def test_a_wrong_file_that_is_put_right_is_taken(holder, path, meter):
    rewrite(path, "20/minute", "x")
    assert holder.reload().problems
    rewrite(path, "rate: x", "rate: 40/minute")
    assert holder.reload().changed
    assert meter.outcomes() == ["failed", "ok"]


def test_when_it_was_loaded_is_told_only_for_policies_in_force(holder, path, meter):
    assert [name for name, _ in meter.gauged] == ["gateway_policy_loaded_timestamp_seconds"]
    rewrite(path, "20/minute", "x")
    holder.reload()
    assert len(meter.gauged) == 1
    rewrite(path, "rate: x", "rate: 40/minute")
    holder.reload()
    assert len(meter.gauged) == 2
    assert meter.gauged[1][1] >= meter.gauged[0][1]


def test_a_policy_that_cannot_be_run_here_is_refused_like_a_wrong_file(path, meter):
    def accept(policy):
        if not policy.upstreams:
            raise SettingsError("no model endpoint is known")

    holder = PolicyHolder(path, load(path), meter=meter, accept=accept)
    rewrite(path, "20/minute", "30/minute")
    assert [problem.message for problem in holder.reload().problems] == ["no model endpoint is known"]
    assert holder.current.tiers["free"].limits[0].amount == 20
    path.write_text(path.read_text() + "upstreams: [{ id: up, url: http://a }]\n")
    assert holder.reload().changed


def test_what_waits_for_the_next_start_is_said(holder, path, caplog):
    path.write_text(TEXT + "audit: { durable: synced }\n")
    with caplog.at_level(logging.WARNING, "gateway"):
        assert holder.reload().changed
    assert "wait for the next start" in caplog.text


def test_reloads_from_many_threads_never_half_apply(holder, path):
    path.write_text(TEXT.replace("20/minute", "50/minute"))
    results = []
    threads = [threading.Thread(target=lambda: results.append(holder.reload())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result.changed for result in results) == 1


async def test_usage_survives_an_edited_amount_and_not_an_edited_kind(holder, path):
    store = MemoryHolds(WallClock())

    async def used():
        policy = holder.current
        tier, caller, facts = policy.tiers["free"], Caller("k", "k"), RequestFacts("openai", "openai.chat", model="m")
        decision = decide(policy, "everyone", tier, caller, facts, NO_VERDICT, route="").decision
        taken = await store.take(Hold(f"h{next(number)}", claims_for(policy, tier, caller, facts, decision, NO_VERDICT, at_us=0), 0))
        return taken.states[0].used

    number = itertools.count()
    assert [await used(), await used()] == [1, 2]
    rewrite(path, "20/minute", "30/minute")
    assert holder.reload().changed
    assert await used() == 3
    rewrite(path, "30/minute", "30/hour")
    assert holder.reload().changed
    assert await used() == 1
    await store.aclose()


async def test_a_file_written_in_place_is_noticed(holder, path):
    async with watched(holder):
        rewrite(path, "20/minute", "31/minute")
        await until(lambda: holder.current.tiers["free"].limits[0].amount == 31)


async def test_a_file_renamed_over_it_is_noticed(holder, path):
    async with watched(holder):
        new = path.with_suffix(".new")
        new.write_text(TEXT.replace("20/minute", "32/minute"))
        new.rename(path)
        await until(lambda: holder.current.tiers["free"].limits[0].amount == 32)


async def test_a_mounted_folder_swapped_under_its_link_is_noticed(tmp_path, meter):
    """As Kubernetes mounts a ConfigMap: policy.yaml -> ..data/policy.yaml, ..data -> a folder that is replaced."""
    for name, amount in (("one", 20), ("two", 33)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yaml").write_text(TEXT.replace("20/minute", f"{amount}/minute"))
    (tmp_path / "..data").symlink_to("one")
    path = tmp_path / "policy.yaml"
    path.symlink_to("..data/policy.yaml")
    holder = PolicyHolder(path, load(path), meter=meter)
    async with watched(holder):
        (tmp_path / "..new").symlink_to("two")
        os.replace(tmp_path / "..new", tmp_path / "..data")
        await until(lambda: holder.current.tiers["free"].limits[0].amount == 33)


async def test_a_wrong_file_is_noticed_and_the_next_right_one_too(holder, path, meter):
    async with watched(holder):
        rewrite(path, "20/minute", "never")
        await until(lambda: "failed" in meter.outcomes())
        assert holder.current.tiers["free"].limits[0].amount == 20
        rewrite(path, "never", "34/minute")
        await until(lambda: holder.current.tiers["free"].limits[0].amount == 34)


async def test_other_files_in_the_folder_change_nothing(holder, path, meter):
    async with watched(holder):
        (path.parent / "other.yaml").write_text("x")
        await asyncio.sleep(0.15)
        assert meter.outcomes() == []


async def test_where_nothing_can_be_watched_the_file_is_looked_at(holder, path, monkeypatch, caplog):
    def unwatchable(*folders, **options):
        raise OSError("inotify watch limit reached")

    monkeypatch.setattr("gateway.reload.awatch", unwatchable)
    monkeypatch.setattr("gateway.reload._LOOK_EVERY_MS", 50)
    with caplog.at_level(logging.WARNING, "gateway"):
        async with watched(holder):
            rewrite(path, "20/minute", "35/minute")
            await until(lambda: holder.current.tiers["free"].limits[0].amount == 35)
    assert "cannot be watched (inotify watch limit reached)" in caplog.text
