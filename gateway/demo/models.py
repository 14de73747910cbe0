"""`GET /models` and `GET /models/{id}`, in OpenAI's shape, or in Anthropic's where `anthropic-version` is sent. Any name is a model."""

from __future__ import annotations

from gateway.demo.ask import Body
from gateway.demo.wire import Call, Json, Reply

__all__ = ["MODELS", "model", "models"]

MODELS = ("demo", "demo-reasoning", "demo-embedding")
_CREATED = 1_767_225_600
_CREATED_AT = "2026-01-01T00:00:00Z"


async def models(call: Call) -> Reply:
    """The names that mean something here; all others are answered like `demo`."""
    told = [_told(call, name) for name in MODELS]
    if _is_anthropic(call):
        return Json({"data": told, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]})
    return Json({"object": "list", "data": told})


async def model(call: Call) -> Reply:
    """One model, whatever its name."""
    return Json(_told(call, call.subject))


def _told(call: Call, name: str) -> Body:
    if _is_anthropic(call):
        return {"type": "model", "id": name, "display_name": name, "created_at": _CREATED_AT}
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "azeotrope"}


def _is_anthropic(call: Call) -> bool:
    return "anthropic-version" in call.headers
