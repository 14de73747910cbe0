"""Reasoning told again through a real endpoint: what passes, and what becomes of an answer when anything goes wrong there."""

from __future__ import annotations

import pytest

from gateway.perturb.retelling import REWRITE, Retelling, RewriterOptions
from gateway.rewriter import Rewriter
from gateway.upstream.aiohttp import AiohttpUpstream
from tests.support.writer import writer

__all__ = ["writer"]

TRACE, ANSWER = "I add 12 and 30, which makes 42.", "It is 42."


@pytest.fixture
async def rewriter():
    pool = AiohttpUpstream(max_connections=4)
    yield Rewriter(lambda rule: pool)
    await pool.aclose()


def retelling(url, **options):
    return Retelling(RewriterOptions(url=url, model="small", **options), REWRITE)


async def test_a_trace_is_told_again_with_the_endpoints_own_key(writer, rewriter, monkeypatch):
    monkeypatch.setenv("WRITER_KEY", "sk-writer")
    assert await rewriter.retold(retelling(writer.url + "/v1", credential_env="WRITER_KEY"), TRACE, ANSWER) == (
        "Adding makes 42.",
        "retold",
    )
    path, fields, body = writer.asked[0]
    assert (path, fields[b"authorization"], body["model"]) == ("/v1/chat/completions", b"Bearer sk-writer", "small")


async def test_whatever_goes_wrong_the_trace_is_withheld_and_the_record_says_why(writer, rewriter):
    async def why(trace=TRACE, **options):
        text, note = await rewriter.retold(retelling(writer.url, **options), trace, ANSWER)
        assert text is None
        return note

    assert await why(trace=" ") == "none"
    assert await why(most=10) == "withheld.size"
    assert await why(credential_env="NOT_SET_ANYWHERE") == "withheld.credential"
    assert await why(per_hour=0) == "withheld.budget"
    assert not writer.asked, "nobody was asked so far"
    writer.says = "It is 43."
    assert await why() == "withheld.gate"
    writer.says = None
    assert await why() == "withheld.fault"
    writer.status = 500
    assert await why() == "withheld.fault"
    writer.waits = 0.2
    assert await why(timeout=0.05) == "withheld.timeout"
    assert (await rewriter.retold(retelling("http://127.0.0.1:1"), TRACE, ANSWER)).note == "withheld.fault"


async def test_calls_within_an_hour_are_counted(writer, rewriter):
    notes = [(await rewriter.retold(retelling(writer.url, per_hour=2), TRACE, ANSWER)).note for _ in range(3)]
    assert notes == ["retold", "retold", "withheld.budget"]
