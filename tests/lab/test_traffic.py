"""The trace that is written: in order, readable, labelled, the same bytes for the same seed, and no half file after a failure."""

from __future__ import annotations

import gzip
import json

import pytest

from gateway.errors import SettingsError
from gateway.lab import traffic
from gateway.lab.cast import cast
from gateway.lab.corpora import Corpora
from gateway.lab.personas import PERSONAS
from gateway.lab.traffic import compose, write_trace
from gateway.trace import read_trace

ALL = tuple(PERSONAS.values())


@pytest.fixture(scope="module")
def players():
    return cast(ALL, 90, days=2.0, seed=3, hostile=0.4)


@pytest.fixture(scope="module")
def records(players):
    return list(compose(players, Corpora(), seed=3))


def test_records_are_in_order_of_time_and_none_is_lost(players, records):
    assert [record["at"] for record in records] == sorted(record["at"] for record in records)
    assert len(records) == sum(len(player.times) for player in players)


def test_every_record_is_labelled_as_its_caller_is(players, records):
    by_key = {player.identity.key: player for player in players}
    for record in records:
        player = by_key[record["key"]]
        assert record["truth"] == {"persona": player.persona.name, "hostile": player.persona.hostile, "campaign": player.campaign}


def test_some_requests_fail_for_everybody_alike(records):
    failed = sum(record["response"]["status"] != 200 for record in records) / len(records)
    assert 0.003 < failed < 0.025


def test_what_is_written_is_what_the_reader_of_traces_reads(tmp_path, players, records):
    file = tmp_path / "t.jsonl.gz"
    written = write_trace(file, players, Corpora(), seed=3)
    read = list(read_trace(file))
    assert written.records == len(read) == len(records)
    assert [one.key for one in read] == [record["key"] for record in records]
    assert [json.loads(one.body) for one in read[:200]] == [record["request"] for record in records[:200]]
    assert sum(written.requests.values()) == written.records
    assert written.size == file.stat().st_size


def test_the_same_seed_gives_the_same_bytes_and_packing_adds_nothing(tmp_path):
    few = cast(ALL, 20, days=1.0, seed=4, hostile=0.3)
    for name in ("a.jsonl.gz", "b.jsonl.gz", "c.jsonl"):
        write_trace(tmp_path / name, few, Corpora(), seed=4)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()) == (tmp_path / "c.jsonl").read_bytes()


def test_progress_reaches_the_end(tmp_path):
    few, heard = cast(ALL, 20, days=1.0, seed=4, hostile=0.3), []
    written = write_trace(tmp_path / "t.jsonl", few, Corpora(), seed=4, told=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (written.records, written.records)
    assert len(heard) > 2


def test_callers_who_are_done_are_forgotten(players, monkeypatch):
    """Voices hold a caller's texts and dice: there are never more of them than callers between their first and last request."""
    alive, most = set(), 0

    class Counted(traffic._Voice):
        def __init__(self, player, *rest):
            super().__init__(player, *rest)
            alive.add(id(self))

        def __del__(self):
            alive.discard(id(self))

    monkeypatch.setattr(traffic, "_Voice", Counted)
    ends = sorted([(p.times[0], 1) for p in players] + [(p.times[-1] + 1, -1) for p in players])
    bound, running = 0, 0
    for _, step in ends:
        running += step
        bound = max(bound, running)
    for _ in compose(players, Corpora(), seed=3):
        most = max(most, len(alive))
    assert 1 < most <= bound + 1
    assert not alive


def test_a_place_that_cannot_be_written_is_said_and_nothing_is_left(tmp_path, players):
    with pytest.raises(SettingsError, match="cannot be written: No such file"):
        write_trace(tmp_path / "absent" / "t.jsonl", players, Corpora(), seed=3)


def test_nothing_half_written_stays_under_the_name(tmp_path, players):
    def interrupts(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_trace(tmp_path / "t.jsonl", players, Corpora(), seed=3, told=interrupts)
    assert list(tmp_path.iterdir()) == []
