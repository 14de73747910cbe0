"""Which header fields go from one connection to the other, and which framing is refused at the door.

Three kinds never travel: fields of one hop (RFC 9110, 7.6.1, and whatever `Connection` names), fields that say who or where
the client is (an upstream would believe them, so a client's own word must not reach it), and this gateway's own `x-gateway-*`.
Fields that make a server see another route than the one that was judged (`x-original-url`, method overrides) count with the second.
"""

from __future__ import annotations

from gateway.ports import Headers

__all__ = ["end_to_end", "framing_fault", "request_fields", "response_fields"]

_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authentication-info", b"proxy-authorization",
        b"proxy-status", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings",
    }
)  # fmt: skip

_REQUEST_FRAMING = frozenset({b"host", b"content-length", b"expect"})
"""The adapter makes these anew; `Expect` was answered by our own server."""

_WHENCE = frozenset(
    {
        b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"x-cluster-client-ip", b"x-original-forwarded-for", b"x-remote-ip",
        b"x-remote-addr", b"x-remote-user", b"x-envoy-external-address", b"true-client-ip", b"cf-connecting-ip", b"cf-connecting-ipv6",
        b"cf-ipcountry", b"cf-pseudo-ipv4", b"cf-ray", b"cf-visitor", b"cdn-loop", b"fastly-client-ip", b"x-appengine-user-ip",
        b"x-azure-clientip", b"x-azure-socketip", b"x-original-url", b"x-original-uri", b"x-original-host", b"x-rewrite-url",
        b"x-http-method", b"x-http-method-override", b"x-method-override", b"x-host",
    }
)  # fmt: skip
_NOT_SENT_ON = _HOP | _REQUEST_FRAMING | _WHENCE
_WHENCE_PREFIX = b"x-forwarded"
_OWN_PREFIX = b"x-gateway-"

_RESPONSE_SECRETS = frozenset({b"authorization", b"x-api-key", b"api-key", b"alt-svc"})
"""What an upstream might echo and no client may see; `Alt-Svc` would offer the client a way around this gateway."""

_NOT_TO_BE_NAMED = frozenset(
    {
        b"authorization", b"x-api-key", b"api-key", b"cookie", b"host", b"content-length", b"content-type", b"content-encoding",
        b"forwarded", b"x-forwarded-for", b"x-request-id", b"accept", b"accept-encoding", b"anthropic-version", b"anthropic-beta",
        b"openai-beta", b"idempotency-key",
    }
)  # fmt: skip
"""Fields that `Connection` may not take away: the next server would act on another request than the one that was judged."""

_LONGEST_LENGTH = 18
"""Digits of a content-length: more is beyond any 64-bit counter."""


def end_to_end(headers: Headers) -> Headers:
    """The fields that concern both ends: without those of this hop and those that `Connection` names. Order and repeats stay."""
    named = _named_by_connection(headers)
    if named:
        return [field for field in headers if field[0] not in _HOP and field[0] not in named]
    return [field for field in headers if field[0] not in _HOP]


def request_fields(headers: Headers, *, keep_forwarding: bool = False) -> Headers:
    """The client's fields as the upstream shall see them.

    `keep_forwarding`: for an application in-process, which stands in our place: it keeps host, length and forwarding fields,
    for they are its own server's business. `x-gateway-*` never passes; such an application reads `scope["gateway"]`.
    """
    if keep_forwarding:
        return [field for field in headers if not field[0].startswith(_OWN_PREFIX)]
    named = _named_by_connection(headers)
    return [
        field
        for field in headers
        if field[0] not in _NOT_SENT_ON and field[0] not in named and not field[0].startswith((_WHENCE_PREFIX, _OWN_PREFIX))
    ]


def response_fields(headers: Headers) -> Headers:
    """The upstream's fields as the client shall see them. Length, encoding, cookies and repeats stay; credentials and what
    speaks in this gateway's name do not."""
    return [field for field in end_to_end(headers) if field[0] not in _RESPONSE_SECRETS and not field[0].startswith(_OWN_PREFIX)]


def framing_fault(headers: Headers) -> str | None:
    """Why two servers could read this request's frame or fields differently (request smuggling), None if they can't.

    Most HTTP servers refuse these already; nothing here relies on which server it is.
    """
    lengths: list[bytes] = []
    codings: list[bytes] = []
    hosts = 0
    for name, value in headers:
        if name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
        elif name == b"host":
            hosts += 1
    if hosts > 1:
        return "The request has more than one Host field."
    return _line_fault(headers) or _length_fault(lengths, codings) or _connection_fault(headers)


def _line_fault(headers: Headers) -> str | None:
    for part in (b"".join([name for name, _ in headers]), b"".join([value for _, value in headers])):
        if b"\r" in part or b"\n" in part or b"\0" in part:
            return "A header field holds a line break or a NUL character."
    return None


def _length_fault(lengths: list[bytes], codings: list[bytes]) -> str | None:
    if codings and lengths:
        return "The request has both Content-Length and Transfer-Encoding."
    if codings and (len(codings) > 1 or codings[0].strip(b" \t").lower() != b"chunked"):
        return "The only Transfer-Encoding understood here is chunked, given once."
    if len(lengths) > 1:
        return "The request has more than one Content-Length."
    if lengths and (not lengths[0].isdigit() or len(lengths[0]) > _LONGEST_LENGTH):
        return "Content-Length is not a plain number."
    return None


def _connection_fault(headers: Headers) -> str | None:
    for name in _named_by_connection(headers):
        if name in _NOT_TO_BE_NAMED or name.startswith((_OWN_PREFIX, _WHENCE_PREFIX)):
            return f"The Connection field names {name.decode('latin-1')}, which is not a field of one hop."
    return None


def _named_by_connection(headers: Headers) -> set[bytes]:
    """Lower-case names of fields that `Connection` says end here, the usual options left out."""
    named: set[bytes] = set()
    for name, value in headers:
        if name == b"connection" and value not in {b"keep-alive", b"close"}:
            named.update(token.strip(b" \t").lower() for token in value.split(b","))
    return named - {b"", b"keep-alive", b"close"} if named else named
