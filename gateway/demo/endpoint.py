"""The demo's ASGI application: finds the API of a path, reads the JSON, sends the answer, and stops speaking when the client leaves."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from gateway.demo.anthropic_messages import count_tokens, messages
from gateway.demo.ask import Body, Fault
from gateway.demo.kept import Kept
from gateway.demo.models import model, models
from gateway.demo.openai_chat import chat
from gateway.demo.openai_completions import completions
from gateway.demo.openai_embeddings import embeddings
from gateway.demo.openai_responses import cancel, delete, input_items, input_tokens, responses, retrieve
from gateway.demo.pace import Pace
from gateway.demo.wire import Api, Call, Events, Json, Reply, anthropic_error, new_id, openai_error

__all__ = ["Endpoint"]

_LARGEST = 32 * 1024 * 1024
_APIS: dict[tuple[str, str], Api] = {
    ("POST", "/chat/completions"): chat,
    ("POST", "/completions"): completions,
    ("POST", "/embeddings"): embeddings,
    ("POST", "/messages"): messages,
    ("POST", "/messages/count_tokens"): count_tokens,
    ("POST", "/responses"): responses,
    ("POST", "/responses/input_tokens"): input_tokens,
    ("GET", "/responses/*"): retrieve,
    ("DELETE", "/responses/*"): delete,
    ("GET", "/responses/*/input_items"): input_items,
    ("POST", "/responses/*/cancel"): cancel,
    ("GET", "/models"): models,
    ("GET", "/models/*"): model,
}
"""Method and path, without `/v1`; the star stands for an id."""


class _Gone(Exception):
    """The client left before its request was read."""


class Endpoint:
    """See `gateway.demo.demo_app`."""

    def __init__(self, tokens_per_second: float) -> None:
        self._pace = Pace(tokens_per_second)
        self._kept = Kept()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Any ASGI scope; all but HTTP is turned away."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._request(scope, receive, send)

    async def _request(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Read the body, then speak until done or until the client has left, whichever comes first."""
        try:
            raw = await _read(receive)
        except _Gone:
            return
        speaking = asyncio.ensure_future(self._answer(scope, raw, send))
        leaving = asyncio.ensure_future(_disconnect(receive))
        try:
            await asyncio.wait({speaking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            done = speaking.done()
            speaking.cancel()
            leaving.cancel()
            await asyncio.wait({speaking, leaving})
        if done:
            speaking.result()

    async def _answer(self, scope: dict[str, Any], raw: bytes | None, send: Any) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = new_id("req_")
        path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/v1")
        anthropic = path.startswith("/messages") or "anthropic-version" in headers
        fields = [(b"request-id" if anthropic else b"x-request-id", request_id.encode())]
        try:
            reply = await self._reply(scope, path, headers, raw)
        except Fault as fault:
            reply = anthropic_error(fault, request_id) if anthropic else openai_error(fault)
        await _send(reply, fields, send, head=scope["method"] == "HEAD")

    async def _reply(self, scope: dict[str, Any], path: str, headers: dict[str, str], raw: bytes | None) -> Reply:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if raw is None:
            raise Fault(f"The request is larger than {_LARGEST} bytes.", status=413, code="request_too_large")
        pattern, subject = _pattern(path)
        api = _APIS.get((method, path)) or _APIS.get((method, pattern))
        if api is None:
            allowed = any(known in {path, pattern} for _, known in _APIS)
            if allowed:
                raise Fault(f"Not allowed to {method} on {scope['path']}.", status=405, code="method_not_supported")
            raise Fault(
                f"Unknown request URL: {method} {scope['path']}. Please check the URL for typos.", status=404, code="unknown_url"
            )
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        body = _decode(raw) if method == "POST" and (raw or "*" not in pattern) else {}
        return await api(Call(self._pace, self._kept, subject, query, headers, body))


def _pattern(path: str) -> tuple[str, str]:
    """A path with its id starred, and the id. The name of a model may have slashes in it."""
    _, first, *rest = (*path.split("/"), "")
    if first == "models":
        return "/models/*", unquote("/".join(rest).removesuffix("/"))
    subject, *after = (*rest, "")
    return "/".join(("", first, "*", *filter(None, after))), unquote(subject)


def _decode(raw: bytes) -> Body:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Fault("We could not parse the JSON body of your request. The API expects a JSON payload.") from error
    if not isinstance(body, dict):
        raise Fault("The body of your request has to be a JSON object.")
    return body


async def _read(receive: Any) -> bytes | None:
    """The body, None where it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part = message.get("body", b"")
        size += len(part)
        if size <= _LARGEST:
            parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts) if size <= _LARGEST else None


async def _disconnect(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(reply: Reply, fields: list[tuple[bytes, bytes]], send: Any, *, head: bool) -> None:
    if isinstance(reply, Json):
        body = reply.encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *fields]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else body})
        return
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"), *fields]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await _send_events(reply, send)


async def _send_events(reply: Events, send: Any) -> None:
    async with aclosing(reply.events) as events:
        async for told in events:
            await send({"type": "http.response.body", "body": told, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
