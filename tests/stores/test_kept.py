"""Rows of the file behind the memory: what is written is read again, and a write that fails leaves all as it was."""

from __future__ import annotations

import sqlite3

import pytest

from gateway.errors import StoreUnavailable
from gateway.registry import resolve
from gateway.stores.database import Database
from gateway.stores.kept import Batch, Rows
from tests.support.quota import START_US, bucket, calendar, lifetime, sliding


@pytest.fixture
async def database(tmp_path):
    database = await Database.open(tmp_path / "gateway.db")
    yield database
    await database.aclose()


def counter(claim, want=5):
    kind = resolve("windows", claim.limit.window)
    return claim.key, (claim, kind.charge(kind.aged(kind.empty, claim, START_US), claim, "h", START_US)[0])


async def test_claims_limits_and_states_come_back_as_they_were(database):
    claims = [sliding(10, 5), bucket(9, 5, burst=30, slot="b"), calendar(7, 5), lifetime(8, 5, when_state_is_lost="allow")]
    batch = Batch(START_US, [counter(claim) for claim in claims])
    await database.run(lambda connection: Rows().write(connection, batch))
    found = await database.run(Rows.read)
    assert (found.time, found.unreadable, found.verdicts) == (START_US, (), [])
    by_key = {claim.key: (claim, state) for claim, state in found.counters}
    for key, (claim, state) in batch.counters:
        read, again = by_key[key]
        assert (read.limit, read.slot, read.amount, read.burst, read.periods) == (
            claim.limit, claim.slot, claim.amount, claim.burst, claim.periods,
        )  # fmt: skip
        assert (read.want, again) == (0, state)


async def test_counters_asked_for_by_key_come_alone(database):
    one, other = sliding(10, 5), sliding(10, 5, slot="other")
    await database.run(lambda connection: Rows().write(connection, Batch(1, [counter(one), counter(other)])))
    found = await database.run(lambda connection: Rows.read(connection, [other.key, "nobody's"]))
    assert [claim.key for claim, _ in found.counters] == [other.key]


async def test_a_limit_whose_first_write_failed_gets_its_number_in_the_next(database):
    rows, batch = Rows(), Batch(1, [counter(sliding(10, 5))])

    def fails(connection):
        rows.write(connection, batch)
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(StoreUnavailable):
        await database.run(fails)
    rows.forget()
    await database.run(lambda connection: rows.write(connection, batch))
    assert len((await database.run(Rows.read)).counters) == 1
