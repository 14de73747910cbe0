"""The demo model: a small stand-in that speaks the APIs of real ones, in-process. See `docs/demo.md`; it is not a model.

Importing this package costs nothing; the weights are worked out when `demo_app` is called.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gateway.errors import SettingsError

if TYPE_CHECKING:
    from gateway.demo.endpoint import Endpoint

__all__ = ["demo_app"]

_PACE = "GATEWAY_DEMO_TOKENS_PER_SECOND"


def demo_app(*, tokens_per_second: float | None = None) -> Endpoint:
    """The demo as a pure ASGI application: OpenAI's and Anthropic's routes, with and without `/v1`.

    It answers as fast as it can, or at this pace per answer; the default is GATEWAY_DEMO_TOKENS_PER_SECOND, if that is set.
    ValueError where it is no positive number, SettingsError where the variable is none.
    """
    from gateway.demo.endpoint import Endpoint

    if tokens_per_second is not None:
        return Endpoint(tokens_per_second)
    try:
        return Endpoint(float(os.environ.get(_PACE) or "inf"))
    except ValueError as error:
        raise SettingsError(f"{_PACE} must be a positive number of tokens, such as 20") from error
