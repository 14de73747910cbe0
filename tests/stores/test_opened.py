"""What opening gives is closed as a whole."""

from __future__ import annotations

from gateway.stores.opened import Opened


async def test_closing_calls_what_was_given_to_close():
    closed = []

    async def close():
        closed.append(True)

    opened = Opened(
        keys=None,
        holds=None,
        degraded=None,
        verdicts=None,
        owners=None,
        rulings=None,
        risk=None,
        evidence=None,
        secret=b"s",
        close=close,
    )
    await opened.aclose()
    assert closed == [True]
