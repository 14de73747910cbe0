"""Opening the embedded state: one serving process per folder, private to its user, and the same keys and secret after a restart."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import SettingsError, StoreUnavailable
from gateway.model.caller import KeyRecord
from gateway.model.evidence import Verdict
from gateway.model.limit import Hold
from gateway.stores.memory import open_memory
from tests.support.quota import MINUTE_US, HandClock, sliding

ROOT = Path(__file__).resolve().parents[2]
KEY = KeyRecord("ab" * 16, "acme", None, frozenset(), 1)
HOURLY = sliding(100, 7, window_us=60 * MINUTE_US)


@pytest.fixture
def opening(tmp_path):
    def open_it(*, secret=None, exclusive=True, state="memory"):
        return open_memory(state, tmp_path / "data", secret=secret, clock=HandClock(), exclusive=exclusive)

    return open_it


async def test_keys_owners_and_the_secret_outlive_the_process(opening):
    first = await opening()
    await first.keys.put(KEY)
    await first.owners.claim("file-1", KEY.key_id)
    await first.aclose()
    second = await opening()
    assert second.secret == first.secret
    assert await second.keys.find(KEY.key_id) == KEY
    assert await second.owners.owner("file-1") == KEY.key_id
    await second.aclose()


async def test_a_second_serving_process_is_refused_and_told_what_to_do(opening):
    first = await opening()
    with pytest.raises(SettingsError, match=r"another gateway is using .*--state redis://.*another --data"):
        await opening()
    await first.aclose()
    await (await opening()).aclose()


async def test_a_lock_of_a_killed_process_is_given_back(opening, tmp_path):
    code = "import sys, time; from pathlib import Path; from gateway.stores.lock import FolderLock\n"
    code += "held = FolderLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    (tmp_path / "data").mkdir()
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "data")], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    with pytest.raises(SettingsError, match="another gateway"):
        await opening()
    process.kill()
    process.communicate()
    await (await opening()).aclose()


async def test_commands_work_beside_a_gateway(opening):
    serving, command = await opening(), await opening(exclusive=False)
    assert await serving.keys.find(KEY.key_id) is None
    await command.keys.put(KEY)
    assert command.secret == serving.secret
    assert [record.key_id for record in await serving.keys.list()] == [KEY.key_id]
    await command.aclose()
    await serving.aclose()


async def test_only_the_user_may_read_what_is_kept(opening, tmp_path):
    opened = await opening()
    await opened.keys.put(KEY)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    assert {"lock", "gateway.db", "gateway.db-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    await opened.aclose()


async def test_another_secret_gives_the_folder_back(opening):
    await (await opening(secret=b"x" * 32)).aclose()
    with pytest.raises(SettingsError, match="GATEWAY_SECRET"):
        await opening(secret=b"y" * 32)
    await (await opening(secret=b"x" * 32)).aclose()


async def test_an_unknown_state_is_refused_with_the_ones_there_are(opening):
    with pytest.raises(SettingsError, match="say memory, sqlite:FILE, or redis://"):
        await opening(state="memory:elsewhere")


async def test_a_file_of_ones_own_holds_the_same_and_lets_one_gateway_in(opening, tmp_path):
    state = f"sqlite:{tmp_path / 'elsewhere' / 'state.db'}"
    first = await opening(state=state)
    await first.keys.put(KEY)
    await first.holds.take(Hold("a", (HOURLY,), 0))
    first.verdicts.put("alice", Verdict(score=30.0))
    with pytest.raises(SettingsError, match="another gateway"):
        await opening(state=state)
    await first.aclose()
    assert not (tmp_path / "data" / "gateway.db").exists()
    second = await opening(state=state)
    assert await second.keys.find(KEY.key_id) == KEY
    assert [limit.used for limit in await second.holds.look([HOURLY])] == [7]
    assert second.verdicts.standing("alice").score == 30.0
    await second.aclose()


async def test_the_same_file_by_either_name_is_one_state(opening, tmp_path):
    first = await opening()
    with pytest.raises(SettingsError, match="another gateway"):
        await opening(state=f"sqlite:{tmp_path / 'data' / 'gateway.db'}")
    await first.aclose()


async def test_a_command_looks_at_quota_beside_the_gateway_and_gives_none_out(opening):
    serving, command = await opening(), await opening(exclusive=False)
    with pytest.raises(StoreUnavailable, match="serving process alone"):
        await command.holds.take(Hold("a", (HOURLY,), 0))
    assert [limit.used for limit in await command.holds.look([HOURLY])] == [0]
    await command.aclose()
    await serving.aclose()


@pytest.mark.parametrize("state", ["sqlite:", "sqlite", "sqlite://"])
async def test_a_file_without_a_name_is_refused(opening, state):
    with pytest.raises(SettingsError, match="say memory, sqlite:FILE"):
        await opening(state=state)


async def test_after_closing_nothing_answers(opening):
    opened = await opening()
    await opened.aclose()
    with pytest.raises(StoreUnavailable):
        await opened.keys.list()
