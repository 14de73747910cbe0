"""The same small model endpoint in five frameworks: a document, an endless stream, an error, and a page that is nobody's business."""

from __future__ import annotations

import asyncio
import json

import litestar  # frameworks resolve annotations of functions by their module's names
import starlette.requests

CHAT = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}  # fmt: skip
WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
DONE = b"data: [DONE]\n\n"


class Seen:
    """What the applications noticed: events sent, streams whose client went away, callers as the gateway told them."""

    def __init__(self):
        self.sent = 0
        self.left = 0
        self.callers = []


async def words(seen, count):
    try:
        for _ in range(count):
            seen.sent += 1
            yield WORD
            await asyncio.sleep(0.01)
        yield DONE
    except (asyncio.CancelledError, GeneratorExit):
        seen.left += 1
        raise


def starlette_app(seen):
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
    from starlette.routing import Route

    async def chat(request):
        asked = await request.json()
        seen.callers.append(request.scope.get("gateway"))
        if asked.get("crash"):
            raise RuntimeError("the application failed, on purpose")
        if asked.get("stream"):
            return StreamingResponse(words(seen, asked.get("count", 3)), media_type="text/event-stream")
        return JSONResponse(CHAT)

    async def page(request):
        return PlainTextResponse("a page")

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"]), Route("/page", page)])


def fastapi_app(seen):
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse, StreamingResponse

    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(request: starlette.requests.Request):
        asked = await request.json()
        seen.callers.append(request.scope.get("gateway"))
        if asked.get("crash"):
            raise RuntimeError("the application failed, on purpose")
        if asked.get("stream"):
            return StreamingResponse(words(seen, asked.get("count", 3)), media_type="text/event-stream")
        return CHAT

    @app.get("/page")
    async def page():
        return PlainTextResponse("a page")

    return app


def django_app(seen):
    import django
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
    from django.urls import path

    async def chat(request):
        asked = json.loads(request.body)
        seen.callers.append(request.scope.get("gateway"))
        if asked.get("crash"):
            raise RuntimeError("the application failed, on purpose")
        if asked.get("stream"):
            return StreamingHttpResponse(words(seen, asked.get("count", 3)), content_type="text/event-stream")
        return JsonResponse(CHAT)

    async def page(request):
        return HttpResponse("a page", content_type="text/plain")

    class Urls:
        urlpatterns = (path("v1/chat/completions", chat), path("page", page))

    if not settings.configured:
        settings.configure(
            DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=Urls, SECRET_KEY="for tests only", MIDDLEWARE=[], LOGGING_CONFIG=None
        )
        django.setup()
    else:
        settings.ROOT_URLCONF = Urls
    return get_asgi_application()


def quart_app(seen):
    from quart import Quart, Response, request

    app = Quart("model")

    @app.post("/v1/chat/completions")
    async def chat():
        asked = await request.get_json()
        seen.callers.append(request.scope.get("gateway"))
        if asked.get("crash"):
            raise RuntimeError("the application failed, on purpose")
        if asked.get("stream"):
            response = Response(words(seen, asked.get("count", 3)), content_type="text/event-stream")
            response.timeout = None
            return response
        return CHAT

    @app.get("/page")
    async def page():
        return Response("a page", content_type="text/plain")

    return app


def litestar_app(seen):
    from litestar import Litestar, Response, get, post
    from litestar.response import Stream

    @post("/v1/chat/completions", status_code=200)
    async def chat(request: litestar.Request) -> litestar.Response:
        asked = await request.json()
        seen.callers.append(request.scope.get("gateway"))
        if asked.get("crash"):
            raise RuntimeError("the application failed, on purpose")
        if asked.get("stream"):
            return Stream(words(seen, asked.get("count", 3)), media_type="text/event-stream")
        return Response(CHAT)

    @get("/page", media_type="text/plain")
    async def page() -> str:
        return "a page"

    return Litestar([chat, page], openapi_config=None)


APPS = {"starlette": starlette_app, "fastapi": fastapi_app, "django": django_app, "quart": quart_app, "litestar": litestar_app}
