"""Issuing keys: each is new, and what stays of it is its keyed hash."""

from __future__ import annotations

import re

from gateway.issue import PREFIX, issue_key, new_key
from gateway.model.caller import key_id_of
from gateway.stores.memory import open_memory


class Clock:
    def now(self):
        return 1_000_000


def test_a_key_is_recognised_by_its_prefix_and_has_200_bits_of_chance():
    keys = {new_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(re.fullmatch(r"azg_[a-z2-7]{40}", key) for key in keys)


async def test_what_is_stored_finds_the_key_and_never_holds_it(tmp_path):
    state = await open_memory("memory", tmp_path, secret=None, clock=Clock(), exclusive=True)
    try:
        key, record = await issue_key(
            state.keys, state.secret, now_us=5, account="acme", tier="free", tags=frozenset({"paid"}), expires_us=9, note="for tests"
        )
        assert record.key_id == key_id_of(state.secret, key.encode())
        assert (record.account, record.tier, record.tags, record.created_us, record.expires_us) == ("acme", "free", {"paid"}, 5, 9)
        assert await state.keys.find(record.key_id) == record
        assert key.removeprefix(PREFIX) not in repr(record)
    finally:
        await state.aclose()
    assert key.removeprefix(PREFIX).encode() not in b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
