"""Several perturbations at work on one answer."""

from __future__ import annotations

from gateway.core.alteration import MOST_TOLD, Altering, Part
from gateway.perturb.base import Craft, Pace
from gateway.perturb.canary import CanaryOptions
from gateway.perturb.pace import PERTURBATION as PACE
from gateway.perturb.pace import PaceOptions
from gateway.perturb.samples import PERTURBATION as SAMPLES
from gateway.perturb.samples import SamplesOptions
from tests.perturb.test_logprobs import context


class _Shout:
    """A text edit that writes capitals and leaves many notes."""

    def __init__(self):
        self.count, self.notes = 0, tuple(map(str, range(100)))

    def feed(self, text):
        self.count += 1
        return text.upper()

    def finish(self):
        return "!"


class Shouting(Craft):
    name = "shouting"

    def text(self, context, options):
        return _Shout()


PARTS = (Part("shouting", Shouting(), CanaryOptions()), Part("samples", SAMPLES, SamplesOptions()))


def whole(text, free=True):
    work = Altering(context(asked={"n": 2}), PARTS, free).work()
    document = {"choices": [{"index": 0, "message": {"content": text}}]}
    work.whole(document)
    return [choice["message"]["content"] for choice in document["choices"]], work


def test_text_is_edited_first_and_copies_are_of_the_edited():
    texts, work = whole("Good day")
    assert texts == ["GOOD DAY!", "GOOD DAY!"]
    told = work.told()
    assert told[:3] == ("epoch=1", "shouting@1", "samples@1")
    assert {"samples=1", "shouting=2", "shouting:0"} <= set(told)
    assert len(told) == MOST_TOLD


def test_what_is_not_free_or_turns_out_to_be_a_structure_is_not_edited():
    assert whole("Good day", free=False)[0] == ["Good day"] * 2
    for text in ('{"a": 1}', ' [{"a": 1}]', '["x"]', "<html>", "<?xml", "[1, 2]"):
        assert whole(text)[0] == [text] * 2
    assert whole("[Note] x")[0][0] == "[NOTE] X!"


def test_short_texts_and_pieces_come_to_the_same():
    for text in ("a", "", "{", "< 3 is less", "[Note] x"):
        work = Altering(context(asked={}), PARTS[:1], True).work()
        events = [{"choices": [{"index": 0, "delta": {"content": letter}}]} for letter in text]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        told = [choice["delta"].get("content") or "" for event in events for after in work.event(event) for choice in after["choices"]]
        assert "".join(told) == (whole(text)[0][0] if text else "")


def test_the_slowest_pace_counts():
    paces = tuple(Part("pace", PACE, PaceOptions(tokens_per_second=tokens)) for tokens in (40, 20))
    assert Altering(context(), (*PARTS, *paces), True).pace == Pace(20, 250_000)
    assert Altering(context(), PARTS, True).pace is None
