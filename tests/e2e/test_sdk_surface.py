"""Every method of the official SDKs does the same through `policies/passthrough.yaml` as without it: same request, same answer."""

from __future__ import annotations

import re

import anthropic
import openai
import pytest

from tests.support.gateway_process import GatewayProcess
from tests.support.recorder import ANSWERS, Recorder
from tests.support.sdk_surface import arguments, methods

HOP = {b"host", b"connection"}
FRAME = {b"content-length", b"transfer-encoding"}
ADDED = {b"x-gateway-decision", b"connection", b"transfer-encoding"}
ERRORS = (openai.APIStatusError, anthropic.APIStatusError)
AT_LEAST = {"openai": 350, "anthropic": 350}
PARSED = {
    "openai": ("chat.completions.create", "completions.create", "responses.create", "embeddings.create", "models.list", "images.edit"),
    "anthropic": ("messages.create", "messages.count_tokens", "messages.batches.create", "models.list"),
}


@pytest.fixture(scope="module")
def recorder():
    with Recorder() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(recorder, tmp_path_factory):
    with GatewayProcess(tmp_path_factory.mktemp("surface"), "--policy", "passthrough", "--upstream", recorder.url) as running:
        yield running


def client_of(sdk, url, *, asynchronous=False):
    """A client as the SDKs' own suites make theirs, spaces in the key included."""
    if sdk == "openai":
        kind = openai.AsyncOpenAI if asynchronous else openai.OpenAI
        return kind(base_url=url, api_key="My API Key", admin_api_key="My Admin Key", organization="org", project="p", max_retries=0)
    kind = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
    return kind(base_url=url, api_key="my-anthropic-api-key", max_retries=0)


def as_sent(seen):
    """A request without what differs from call to call: hop, boundary, the SDK's own random key."""
    body, fields = seen.body, [field for field in seen.fields if field[0] not in HOP]
    boundary = re.search(rb"boundary=(\S+)", seen.field(b"content-type") or b"")
    if boundary:
        body = body.replace(boundary[1], b"*")
        fields = [(name, value.replace(boundary[1], b"*")) for name, value in fields]
    kept = [(name, b"*" if name == b"idempotency-key" else value) for name, value in fields]
    return (
        seen.line,
        [field for field in kept if field[0] not in FRAME],
        sorted(field for field in kept if field[0] in FRAME),
        body,
    )


def as_got(response, body):
    fields = [(name.lower(), value) for name, value in response.headers.raw if name.lower() not in ADDED]
    return response.status_code, fields, body


def extras(number, full):
    extra = {"extra_headers": {"x-case": str(number)}}
    return {**extra, "extra_query": {"odd[]": ["x y", "ü&"], "none": ""}} if full else extra


def ask(resource, name, number, *, full):
    """What came of one call: (status, fields, body), or what the SDK itself said before it asked."""
    made = {**arguments(getattr(resource, name), full=full), **extras(number, full)}
    try:
        if full and hasattr(resource.with_streaming_response, name):
            with getattr(resource.with_streaming_response, name)(**made) as raw:
                return as_got(raw.http_response, b"".join(raw.http_response.iter_raw()))
        response = getattr(resource.with_raw_response, name)(**made).http_response
        return as_got(response, response.read())
    except ERRORS as error:
        return as_got(error.response, error.response.content)
    except Exception as error:
        return (type(error),)  # whatever it is, it has to be the same


async def ask_async(resource, name, number, *, full):
    made = {**arguments(getattr(resource, name), full=full), **extras(number, full)}
    try:
        if full and hasattr(resource.with_streaming_response, name):
            async with getattr(resource.with_streaming_response, name)(**made) as raw:
                return as_got(raw.http_response, b"".join([piece async for piece in raw.http_response.aiter_raw()]))
        response = (await getattr(resource.with_raw_response, name)(**made)).http_response
        return as_got(response, await response.aread())
    except ERRORS as error:
        return as_got(error.response, error.response.content)
    except Exception as error:
        return (type(error),)  # whatever it is, it has to be the same


def difference(what, direct, through):
    """What differs, in words; None where nothing does."""
    (got, sent), (got_through, sent_through) = direct, through
    parts = zip(("status", "fields", "body"), got, got_through, strict=False)
    told = [f"answer's {part}: {one!r:.300} / {other!r:.300}" for part, one, other in parts if one != other]
    if len(sent) != len(sent_through):
        told.append(f"{len(sent)} requests / {len(sent_through)}")
    for request, other in zip(sent, sent_through, strict=False):
        pairs = zip(("line", "fields", "frame", "body"), request, other, strict=True)
        told += [f"request's {part}: {one!r:.300} / {two!r:.300}" for part, one, two in pairs if one != two]
    return f"{what}: " + "; ".join(told) if told else None


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
@pytest.mark.parametrize("full", [False, True], ids=["required", "everything"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_method_of_the_sdk_does_the_same_through_the_gateway(recorder, gateway, sdk, full):
    asked, differing = 0, []
    with client_of(sdk, recorder.url) as direct, client_of(sdk, gateway.url) as through:
        for number, ((what, here, name), (_, there, _)) in enumerate(zip(methods(direct), methods(through), strict=True), 7 * full):
            pair = []
            for resource in (here, there):
                got = ask(resource, name, number, full=full)
                pair.append((got, [as_sent(seen) for seen in recorder.take()]))
            asked += len(pair[0][1])
            differing.append(difference(f"{what} (answer {number % len(ANSWERS)})", *pair))
    differing = [told for told in differing if told]
    assert not differing, f"{len(differing)} of {asked} differ:\n" + "\n".join(differing[:12])
    assert asked >= AT_LEAST[sdk]


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_sample_of_the_asynchronous_methods_does_the_same(recorder, gateway, sdk):
    asked, differing = 0, []
    async with client_of(sdk, recorder.url, asynchronous=True) as direct, client_of(sdk, gateway.url, asynchronous=True) as through:
        pairs = list(zip(methods(direct), methods(through), strict=True))
        for number, ((what, here, name), (_, there, _)) in list(enumerate(pairs))[::9]:
            pair = []
            for resource in (here, there):
                got = await ask_async(resource, name, number, full=bool(number % 2))
                pair.append((got, [as_sent(seen) for seen in recorder.take()]))
            asked += len(pair[0][1])
            differing.append(difference(what, *pair))
    differing = [told for told in differing if told]
    assert not differing, f"{len(differing)} of {asked} differ:\n" + "\n".join(differing[:12])
    assert asked >= 35


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("sdk", PARSED)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_dialect_parses_gets_every_answer_as_it_is(recorder, gateway, sdk, stream):
    asked, differing = 0, []
    with client_of(sdk, recorder.url) as direct, client_of(sdk, gateway.url) as through:
        calls = [{what: (resource, name) for what, resource, name in methods(client)} for client in (direct, through)]
        for what in PARSED[sdk]:
            for number in range(len(ANSWERS)):
                pair = []
                for resource, name in (call[what] for call in calls):
                    got = ask(resource, name, number, full=stream)
                    pair.append((got, [as_sent(seen) for seen in recorder.take()]))
                asked += len(pair[0][1])
                differing.append(difference(f"{what} (answer {number})", *pair))
    differing = [told for told in differing if told]
    assert not differing, f"{len(differing)} of {asked} differ:\n" + "\n".join(differing[:12])
    assert asked == len(PARSED[sdk]) * len(ANSWERS)
