"""The client's side: challenges are met without the caller's code knowing."""

from __future__ import annotations

import httpx
import pytest

from gateway.challenge.puzzle import LEAST_WORK, checked, posed
from gateway.client import ProofOfWork, TooMuchWork, solve

SECRET = b"s" * 32
BODY = b"\x01" * 32
PUZZLE = posed(SECRET, "k1", BODY, nonce=b"n" * 16, until_s=1_000, work=LEAST_WORK).text


def answer(request: httpx.Request) -> httpx.Response:
    """A gateway that asks once."""
    solution = request.headers.get("x-gateway-solution")
    if solution is None:
        return httpx.Response(403, headers={"x-gateway-challenge": PUZZLE})
    return httpx.Response(200, json={"fault": checked(SECRET, "k1", BODY, solution, 0).fault, "body": request.content.decode()})


def test_a_challenge_is_solved_and_the_same_request_sent_again():
    with httpx.Client(auth=ProofOfWork(), transport=httpx.MockTransport(answer)) as client:
        assert client.post("http://gateway/v1/x", content=b"{}").json() == {"fault": "", "body": "{}"}


async def test_so_it_is_where_the_client_is_asynchronous():
    async with httpx.AsyncClient(auth=ProofOfWork(), transport=httpx.MockTransport(answer)) as client:
        assert (await client.post("http://gateway/v1/x", content=b"{}")).json() == {"fault": "", "body": "{}"}


def test_other_refusals_stay_what_they_are():
    with httpx.Client(auth=ProofOfWork(), transport=httpx.MockTransport(lambda request: httpx.Response(403))) as client:
        assert client.get("http://gateway/v1/x").status_code == 403


def test_nobody_makes_a_client_work_for_ever():
    greedy = posed(SECRET, "k1", BODY, nonce=b"n" * 16, until_s=1_000, work=2**39).text
    with pytest.raises(TooMuchWork, match="at most 1024"):
        solve(greedy, most_work=1_024)


def test_what_is_no_puzzle_is_said_to_be_none():
    with pytest.raises(ValueError, match="no puzzle"):
        solve("azc9.1.2.3.4")
