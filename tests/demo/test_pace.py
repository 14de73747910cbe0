"""The pace of answers."""

from __future__ import annotations

import asyncio

import pytest

from gateway.demo import demo_app
from gateway.demo.ask import Ask, Prompt
from gateway.demo.pace import Pace
from gateway.demo.speech import Draft
from gateway.errors import SettingsError


def draft(tokens, **other):
    return Draft(Ask(Prompt("rivers"), tokens, ignore_end=True, **other))


async def test_a_set_pace_makes_each_token_take_its_time():
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert len(await Pace(200).collect(draft(10))) == 10
    assert loop.time() - began >= 10 / 200 * 0.9


async def test_answers_side_by_side_take_turns_and_tell_their_ends():
    told = [(index, piece is None) async for index, piece in Pace(float("inf")).in_turns([draft(2), draft(1)])]
    assert told == [(0, False), (1, False), (0, False), (1, True), (0, True)]


async def test_others_get_their_turn_while_an_answer_is_made():
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    await Pace(float("inf")).collect(draft(320))
    task.cancel()
    assert turns >= 15


@pytest.mark.parametrize("pace", [0, -1, float("nan")])
def test_a_pace_is_a_positive_number(pace):
    with pytest.raises(ValueError, match="positive number"):
        demo_app(tokens_per_second=pace)


@pytest.mark.parametrize("pace", ["0", "fast"])
def test_the_environment_sets_the_pace(monkeypatch, pace):
    monkeypatch.setenv("GATEWAY_DEMO_TOKENS_PER_SECOND", pace)
    with pytest.raises(SettingsError, match="GATEWAY_DEMO_TOKENS_PER_SECOND must be a positive number"):
        demo_app()
