"""Credentials in header fields: which one a request is known by, and which one goes upstream.

A request is known by exactly one: `Authorization` first, then `x-api-key`, then `api-key`, the first field of each that is not
empty. Where a client sends more than one, the others never travel further (`only_known`): otherwise a caller could
show us a fresh name with each request and the upstream always the same key.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from gateway.ports import Headers

__all__ = ["Credential", "Form", "credential_of", "inject", "only_known"]

Form = Literal["bearer", "x-api-key", "api-key", "other"]

_LONGEST = 8192
"""Bytes of a credential; a longer one is none at all. The longest in use are signed tokens of a few kilobytes."""

_FORMS: tuple[tuple[bytes, Form], ...] = ((b"authorization", "bearer"), (b"x-api-key", "x-api-key"), (b"api-key", "api-key"))
_FIELDS = frozenset(name for name, _ in _FORMS)

_STAYS_HERE = _FIELDS | {b"cookie", b"x-goog-api-key", b"openai-organization", b"openai-project"}
"""A client's fields that say who it is to an upstream, or whose account is used there: not with our own credential."""


class Credential(Struct, frozen=True):
    """What the client showed. `value` is the key without its scheme; under `other` (Authorization, but not Bearer) the whole field."""

    value: bytes
    form: Form

    def __repr__(self) -> str:
        return f"Credential({self.form}, {len(self.value)} bytes)"


def credential_of(headers: Headers) -> Credential | None:
    """The credential that a request is known by, None where it shows none. Any bytes will do, spaces included."""
    found = _known(headers)
    return found[1] if found is not None else None


def only_known(headers: Headers) -> Headers:
    """The fields without any credential but the one that `credential_of` gives, which stays as it was written."""
    found = _known(headers)
    place = found[0] if found is not None else -1
    return [field for index, field in enumerate(headers) if field[0] not in _FIELDS or index == place]


def inject(headers: Headers, value: str | None, header: str) -> Headers:
    """The fields with the upstream's credential in place of any of the client's. `header`: authorization (as Bearer), x-api-key
    or api-key. `value` None: the upstream needs none, and the client's are taken out all the same."""
    kept = [field for field in headers if field[0] not in _STAYS_HERE]
    if value is None:
        return kept
    shown = f"Bearer {value}" if header == "authorization" else value
    return [*kept, (header.encode("ascii"), shown.encode("utf-8"))]


def _known(headers: Headers) -> tuple[int, Credential] | None:
    """Where the credential stands, and what it is."""
    for wanted, form in _FORMS:
        for index, (name, raw) in enumerate(headers):
            if name == wanted:
                credential = _bearer(raw) if form == "bearer" else Credential(raw.strip(b" \t"), form)
                if 0 < len(credential.value) <= _LONGEST:
                    return index, credential
    return None


def _bearer(raw: bytes) -> Credential:
    value = raw.strip(b" \t")
    if value[:6].lower() != b"bearer" or value[6:7] not in {b"", b" ", b"\t"}:
        return Credential(value, "other")
    return Credential(value[6:].lstrip(b" \t"), "bearer")
