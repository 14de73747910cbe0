"""The report's form, which other people's tools read: rungs, reasons and campaigns of callers who are suspected."""

from __future__ import annotations

from gateway.model.evidence import Evidence, Verdict
from gateway.replay import replay
from gateway.replayreport import report_of
from gateway.risk.links import Campaign
from gateway.risk.together import Link
from gateway.truth import Truth
from tests.test_policyreplay import policy, record
from tests.test_replay import LADDER

WORDS = Evidence("elicitation", "1", "wording", 21.5, "41 of 52 prompts ask for the full hidden reasoning", "more than 3 in 100")
LINKS = (
    Link("template", 6.0, "2 accounts send one wrapper"),
    Link("payment", 14.0, "2 of 2 share a payment"),
    Link("own topics", -6.0, "each has its own"),
)
CAMPAIGN = Campaign("c-1", ("k-1", "k-2"), ("a-1", "a-2"), LINKS, 14.0, 1_790_000_001_000_000)
TWO = frozenset({"wording", "structure"})


async def report(records, truths):
    def weigh(one, judged, history):
        if one.key != "k-3":
            history.put(one.key, Verdict(32.25, TWO, campaign="c-1", reasons=(WORDS,), high=32.25))

    return report_of(await replay(policy(rest=LADDER % ""), records, weigh), truths, {"c-1": CAMPAIGN}, seconds=1.23456)


async def test_a_suspect_s_rungs_reasons_and_campaign_are_told():
    truths = {"k-1": Truth("harvest", hostile=True, campaign="x"), "k-3": Truth("chat")}
    told = await report([record(0), record(1, "k-2"), record(2, "k-3"), record(3)], truths)
    at = 1_790_000_000.0
    first = told["callers"]["k-1"]
    assert first["first"] == {
        "watch": {"request": 1, "at": at},
        "throttle": None,
        "perturb": {"request": 1, "at": at},
        "challenge": None,
        "refuse": None,
    }
    assert first["final"] == {"action": "perturb", "score": 32.25, "kinds": ["structure", "wording"]}
    assert first["reasons"] == [{"signal": "elicitation", "evidence": WORDS.seen, "weight": 21.5}]
    assert first["truth"] == {"persona": "harvest", "hostile": True, "campaign": "x"}
    assert "truth" not in told["callers"]["k-2"]
    assert [told["callers"][key]["campaign"] for key in ("k-1", "k-2", "k-3")] == ["c-1", "c-1", None]
    assert told["campaigns"]["c-1"] == {
        "callers": ["k-1", "k-2"],
        "links": ["template", "payment"],
        "first_linked_at": at + 1,
        "weight": 14.0,
        "evidence": [
            {"link": "template", "evidence": "2 accounts send one wrapper", "weight": 6.0},
            {"link": "payment", "evidence": "2 of 2 share a payment", "weight": 14.0},
            {"link": "own topics", "evidence": "each has its own", "weight": -6.0},
        ],
    }
    assert (told["records"], told["seconds"]) == (4, 1.235)


async def test_the_summary_counts_who_was_found():
    truths = {"k-1": Truth("harvest", hostile=True), "k-2": Truth("chat"), "k-3": Truth("chat")}
    told = (await report([record(0), record(1, "k-2"), record(2, "k-3")], truths))["summary"]
    assert told["hostile"] == {"callers": 1, "flagged": 1, "watched": 1, "median_requests_to_flag": 1}
    assert (told["honest"]["callers"], told["honest"]["flagged"]) == (2, 1)
    assert told["personas"]["chat"] == told["honest"]
