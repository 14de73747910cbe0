"""The error tree: every error this package raises on purpose, and what each one asks of its reader.

    GatewayError
    ├── PolicyError            a policy file is wrong: has `problems`, each with place and remedy
    ├── SettingsError          flags or environment are wrong: nothing was started
    ├── RegistryError          a registered name cannot be resolved
    ├── BadRequest             a client's body cannot be understood: carries the status to answer
    ├── StoreError             a store did not answer as promised
    │   ├── StoreUnavailable   surely nothing was done there
    │   └── OutcomeUnknown     it may or may not have been done there
    ├── UpstreamError          the model endpoint failed: `kind` says how
    ├── AuditError             a record could not be put on disk
    ├── TraceError             recorded traffic cannot be read: names file and line
    ├── QuotaError             there is no quota to show: no such caller, tier or access
    ├── RiskError              no suspicion to show or decide: no such caller, or no reason given
    └── ResponseTruncated      an answer under way cannot be ended cleanly; the connection must be cut

No error text ever holds a secret, a prompt or an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "AuditError",
    "BadRequest",
    "GatewayError",
    "OutcomeUnknown",
    "PolicyError",
    "PolicyProblem",
    "QuotaError",
    "RegistryError",
    "ResponseTruncated",
    "RiskError",
    "SettingsError",
    "StoreError",
    "StoreUnavailable",
    "TraceError",
    "UpstreamError",
    "UpstreamFault",
]


class GatewayError(Exception):
    """Base of all errors raised on purpose by this package."""


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One mistake in a policy file. `line` and `column` count from 1; 0 means the file as a whole."""

    file: str
    line: int
    column: int
    where: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        subject = f"{self.where}: " if self.where else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{place}: {subject}{self.message}{remedy}"


class PolicyError(GatewayError):
    """A policy cannot be used. All its mistakes are listed, not only the first."""

    def __init__(self, problems: list[PolicyProblem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class SettingsError(GatewayError):
    """Flags, environment or files of the process are wrong; the message names the remedy."""


class RegistryError(GatewayError):
    """A registered name does not exist or does not resolve to an object."""


class BadRequest(GatewayError):
    """A client's request that cannot be served as sent: `status` and a stable `code` to answer with."""

    def __init__(self, message: str, *, status: int = 400, code: str = "invalid_request", param: str | None = None) -> None:
        self.status = status
        self.code = code
        self.param = param
        super().__init__(message)


class StoreError(GatewayError):
    """A store did not do what its port promises."""


class StoreUnavailable(StoreError):
    """The store was not reached or said no: surely nothing was done."""


class OutcomeUnknown(StoreError):
    """The store was asked, and no answer came in time: it may or may not have been done."""


UpstreamFault = Literal["connect", "tls", "connect_timeout", "first_byte_timeout", "idle_timeout", "broken", "protocol"]


class UpstreamError(GatewayError):
    """The model endpoint could not be called, or broke off. `sent`: some of the request may have reached it."""

    def __init__(self, kind: UpstreamFault, message: str, *, sent: bool) -> None:
        self.kind: UpstreamFault = kind
        self.sent = sent
        super().__init__(message)


class AuditError(GatewayError):
    """A record could not be written durably."""


class TraceError(GatewayError):
    """Recorded traffic cannot be read, or a line of it is no record."""


class QuotaError(GatewayError):
    """Nobody's quota can be shown: no such key, account or tier, or no access; the message names the remedy."""


class RiskError(GatewayError):
    """Nobody's evidence can be shown or decided on: no such caller, or no reason given; the message names the remedy."""


class ResponseTruncated(GatewayError):
    """The rest of an answer is missing; raised through the server so that it cuts the connection."""
