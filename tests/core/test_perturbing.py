"""What goes upstream for a flagged caller, and that nothing is made for anybody else."""

from __future__ import annotations

import gzip
import json

import pytest

from gateway.core.perturbing import parts_of, perturbed
from gateway.core.replies import Found, Payload
from gateway.model.decision import Action, Refusal
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.policy import Rung
from gateway.perturb.samples import SamplesOptions
from gateway.registry import resolve

TWO = frozenset({"wording", "arrival"})
BODY = b'{"model":"m", "n":4, "logit_bias":{"5":3}, "messages":[{"role":"user","content":"hi"}]}'


@pytest.fixture
def asked(make):
    """`asked(body, names)` is where the road leads when a caller on a rung with these perturbations asks."""

    def step(body=BODY, names=("samples", "logprobs"), wire=None, verdict=None, always=(), route=None, **policy):
        ladder = (Rung("open", 0.0, Action.ALLOW), Rung("x", 30.0, Action.PERTURB, perturbations=tuple(names)))
        made = make.policy(ladder=ladder, **policy)
        made.tiers["standard"] = make.replace(made.tiers["standard"], always=tuple(always))
        door = make.door(made, **({"route": route, "operation": "opaque"} if route else {}))
        read = door.next(Found(make.key(), 10))
        assess = read if route else read.next(Payload(wire or body, body))
        return assess.next(verdict or Verdict(35.0, TWO, high=35.0))

    return step


def test_the_request_is_edited_by_members_and_all_else_keeps_its_bytes(asked):
    trail = asked().trail
    assert trail.body == b'{"model":"m", "n":1, "messages":[{"role":"user","content":"hi"}]}'
    assert trail.changed == ("perturbed",)
    assert trail.altering.asked == ("samples.n", "logprobs.logit_bias")
    assert trail.alters_answer
    assert trail.facts.choices == 4
    assert trail.facts.estimate.output == 1024, "what is expected is expected of what was asked upstream"


def test_a_compressed_request_goes_on_unpacked(asked):
    trail = asked(wire=gzip.compress(BODY)).trail
    assert json.loads(trail.body)["n"] == 1
    assert trail.decoded


def test_below_the_rung_with_one_kind_and_in_shadow_nothing_is_made(asked):
    one = Verdict(80.0, frozenset({"wording"}), high=80.0)
    for step in (asked(verdict=NO_VERDICT), asked(verdict=one), asked(mode="shadow"), asked(mode="off")):
        assert step.trail.altering is None
        assert step.trail.body is BODY
        assert not step.trail.alters_answer


def test_a_tier_may_be_marked_as_a_whole(asked):
    trail = asked(verdict=NO_VERDICT, always=["samples"]).trail
    assert (trail.decision.action, trail.decision.perturbations) == (Action.ALLOW, ("samples",))
    assert [part.name for part in trail.altering.parts] == ["samples"]
    assert asked(verdict=NO_VERDICT, always=["samples"], mode="shadow").trail.altering is None


def test_a_body_that_can_be_read_in_two_ways_is_refused(asked):
    record = asked(b'{"model":"m","n":1,"n":4,"messages":[]}')
    assert record.outcome.refusal.reason == "body.ambiguous"


def test_a_foreign_seal_is_refused_whoever_asks(asked, make):
    blocks = [{"type": "reasoning", "encrypted_content": "azs1.AAAA"}]
    body = json.dumps({"model": "m", "input": blocks}).encode()
    trail = asked(verdict=NO_VERDICT).trail
    refusal = perturbed(make.replace(trail, body=body, dialect=resolve("dialects", "openai.responses")()), body)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.reason) == (400, "reasoning.foreign")


def test_the_mark_of_a_seal_in_a_prompt_is_a_word_like_any_other(asked):
    body = b'{"model":"m","messages":[{"role":"user","content":"what is azs1.?"}]}'
    assert asked(body, verdict=NO_VERDICT).trail.body is body


def test_names_that_are_not_there_do_nothing_and_options_are_the_policys(asked, make):
    assert asked(names=["unheard-of"]).trail.altering is None
    (part,) = parts_of(make.policy(response={"samples": SamplesOptions(most=3)}), ["samples", "samples"])
    assert (part.label, part.options.most) == ("samples@1", 3)


def test_opaque_routes_pass_but_for_scores_and_stored_answers(asked):
    assert asked(names=["labels", "reasoning"], route="POST /files").trail.altering is None
    assert asked(names=["labels"], route="POST /moderations").trail.altering is not None
    stored = asked(names=["reasoning"], route="GET /responses/r1").trail
    assert stored.altering.context.dialect == "openai.responses"
