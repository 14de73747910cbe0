"""Where chains lie, and the lock that tells whether their writer lives."""

from __future__ import annotations

import os

from gateway.audit.folder import chain_folders, claim, log_folder, new_name, segment_path, segments, started_us, wait_for
from tests.audit.making import START


def test_names_sort_by_the_time_at_which_chains_began(tmp_path):
    names = [new_name(START + second * 1_000_000) for second in range(5)]
    assert names == sorted(names)
    assert started_us(tmp_path / names[2]) == START + 2_000_000


def test_two_chains_of_the_same_second_have_names_of_their_own():
    assert new_name(START) != new_name(START)


def test_only_chains_and_segments_are_listed_and_segments_in_the_order_of_their_numbers(tmp_path):
    assert chain_folders(tmp_path) == []
    chain = log_folder(tmp_path) / new_name(START)
    chain.mkdir(parents=True)
    (log_folder(tmp_path) / "notes").mkdir()
    for number in (1_000_000, 2, 1, 999_999):
        segment_path(chain, number).touch()
    (chain / "checkpoints.jsonl").touch()
    assert chain_folders(tmp_path) == [chain]
    assert [path.stem for path in segments(chain)] == ["000001", "000002", "999999", "1000000"]
    assert segments(chain / "gone") == []


def test_a_lock_is_held_once_and_is_free_when_its_descriptor_is_closed(tmp_path):
    held = claim(tmp_path)
    assert held is not None
    assert claim(tmp_path) is None
    os.close(held)
    os.close(wait_for(tmp_path))
