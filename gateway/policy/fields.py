"""The kinds of value that a policy's fields hold, each checked as it is read: names, globs, durations, rates, networks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from gateway.model.limit import MAX_AMOUNT
from gateway.policy.nearest import did_you_mean
from gateway.policy.units import duration_us, limit_rate, price_micro, size_bytes, weight_milli
from gateway.registry import names

__all__ = [
    "Adaptive", "Amount", "Currency", "Decibans", "Duration", "EnvName", "Fingerprint", "Glob", "Id", "Names", "Net", "OneOrMore",
    "PerMillion", "Rate", "Route", "Section", "Share", "Size", "UntilDate", "Url", "Version", "Weight", "Zone",
]  # fmt: skip


class Section(BaseModel):
    """One section of a policy: no unknown fields, no value bent into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _shaped(pattern: str, remedy: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(remedy)
        return text

    return check


def _read(reader: Callable[[str], object]) -> Callable[[str], str]:
    """A check that a text can be read; the text itself is kept, for the compiler."""

    def check(text: str) -> str:
        reader(text)
        return text

    return check


_ID = r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}"
Id = Annotated[
    str,
    AfterValidator(_shaped(_ID, "write letters, digits, `-`, `_` and `.`, at most 64, no spaces")),
    Field(json_schema_extra={"pattern": f"^{_ID}$"}),
]
"""A name that stands in records, metrics and counters."""

_VERSION = r"[^\s#@]{1,64}"
Version = Annotated[
    str,
    AfterValidator(_shaped(_VERSION, "write at most 64 characters without spaces, `#` and `@`")),
    Field(json_schema_extra={"pattern": f"^{_VERSION}$"}),
]

Glob = Annotated[str, Field(min_length=1, max_length=256)]
"""Text in which `*` stands for anything and `?` for one character."""

_FINGERPRINT = r"fp:[0-9a-f]{8,32}"
Fingerprint = Annotated[
    str,
    AfterValidator(_shaped(_FINGERPRINT, "name a key by its fingerprint, fp:9f2c61d07ab4, as `gateway keys fingerprint` gives it")),
    Field(json_schema_extra={"pattern": f"^{_FINGERPRINT}$"}),
]

_ENV = r"[A-Z_][A-Z0-9_]{0,127}"
EnvName = Annotated[
    str,
    AfterValidator(_shaped(_ENV, "write the name of an environment variable, like OPENAI_API_KEY, never the credential itself")),
    Field(json_schema_extra={"pattern": f"^{_ENV}$"}),
]

Duration = Annotated[
    str, AfterValidator(_read(duration_us)), Field(json_schema_extra={"pattern": "^([0-9]+(ms|s|m|h|d|w))+$", "examples": ["15m"]})
]
Rate = Annotated[
    str, AfterValidator(_read(limit_rate)), Field(json_schema_extra={"examples": ["20/minute", "600 per 5 minutes", "2000/month"]})
]
"""A limit's: the short ones as the `limits` package reads them."""


def _decimal(reader: Callable[[object], int]) -> Callable[[Any], Any]:
    """A check that a number, or a text that holds one, can be read; the value itself is kept, for the compiler."""

    def check(value: Any) -> Any:
        reader(value)
        return value

    return check


_NUMBER_SCHEMA = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}]}
PerMillion = Annotated[Any, AfterValidator(_decimal(price_micro)), WithJsonSchema(_NUMBER_SCHEMA)]
"""A price in units of the currency per million tokens, at most six decimals."""

Weight = Annotated[Any, AfterValidator(_decimal(weight_milli)), WithJsonSchema(_NUMBER_SCHEMA)]
"""What a request or token counts, at most three decimals."""

_CURRENCY = r"[A-Za-z]{1,16}"
Currency = Annotated[
    str,
    AfterValidator(_shaped(_CURRENCY, "write its letters, like USD or EUR")),
    Field(json_schema_extra={"pattern": f"^{_CURRENCY}$"}),
]


def _zone(text: str) -> object:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = sorted(available_timezones())
        remedy = did_you_mean(text, [name for name in known if "/" in name]) if known else "this system knows none: install tzdata"
    raise ValueError(remedy)


Zone = Annotated[str, AfterValidator(_read(_zone)), Field(json_schema_extra={"examples": ["Europe/Berlin"]})]
"""A time zone by its IANA name."""


def _no_number(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_SIZE_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+ ?(KB|MB|GB|KiB|MiB|GiB)?$"}]}
Size = Annotated[str, BeforeValidator(_no_number), AfterValidator(_read(size_bytes)), WithJsonSchema(_SIZE_SCHEMA)]


def _network(text: str) -> object:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("write a network, like 10.0.0.0/8, or an address") from None
    raise ValueError(f"did you mean {str(meant)!r}?")


Net = Annotated[str, AfterValidator(_read(_network)), Field(json_schema_extra={"examples": ["10.0.0.0/8"]})]

_ROUTE = r"\*|([A-Z]+|\*) /\S*"
Route = Annotated[
    str,
    AfterValidator(_shaped(_ROUTE, "write `METHOD /path` without /v1, like `POST /audio/*`, or `*` for every route")),
    Field(json_schema_extra={"pattern": f"^({_ROUTE})$"}),
]

Amount = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
"""An amount of a limit; beyond 2^53 it would no longer be exact in every store."""

Share = Annotated[float, Field(gt=0, le=1)]
Decibans = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


def _adaptive(text: str) -> str:
    known = names("concurrency")
    if text not in known:
        raise ValueError(did_you_mean(text, known))
    return text


Adaptive = Annotated[str, AfterValidator(_adaptive), Field(json_schema_extra={"examples": ["gradient"]})]
"""A craft that finds how many requests at once an upstream serves, by its name in the registry."""


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write an absolute http:// or https:// address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("leave the credential out of the address: name its environment variable in `credential_env`")
    if parts.query or parts.fragment:
        raise ValueError("leave query and fragment out: the request's own are used")
    _ = parts.port
    return text


Url = Annotated[str, AfterValidator(_url), Field(json_schema_extra={"pattern": "^https?://"})]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("write a date, like 2027-02-01") from None


UntilDate = Annotated[str, AfterValidator(_read(_date)), Field(json_schema_extra={"format": "date"})]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


OneOrMore = BeforeValidator(_listed)
"""Lets a list field be written as a single text."""

Names = Annotated[list[str], OneOrMore, WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})]
