"""The gateway's own refusals that no limit and no tier decides: lost state, lost audit, an endpoint that fails, a fault."""

from __future__ import annotations

from typing import Literal

from gateway.errors import UpstreamFault
from gateway.model.admission import Saturated
from gateway.model.decision import Refusal
from gateway.model.record import End
from gateway.model.request import RequestFacts

__all__ = ["audit_lost", "internal", "no_upstream", "not_listed", "not_yours", "saturated", "state_lost", "upstream_refusal"]


def state_lost(what: str) -> Refusal:
    """A store gave no answer and the policy says refuse. `what`: keys, quota or owners."""
    message = "The service is temporarily unavailable. Please try again shortly."
    return Refusal("state_lost", 503, message, f"state.{what}", code="service_unavailable", retry_us=1_000_000)


def audit_lost() -> Refusal:
    """The record cannot be written and the policy says refuse."""
    message = "The service is temporarily unavailable. Please try again shortly."
    return Refusal("audit_lost", 503, message, "audit.lost", code="service_unavailable", retry_us=1_000_000)


def internal(end: End) -> Refusal:
    """A fault of our own, or a shutdown."""
    if end == "shutdown":
        message = "The service is restarting. Please try again."
        return Refusal("shutting_down", 503, message, "shutdown", code="service_unavailable", retry_us=1_000_000)
    return Refusal("internal", 500, "The gateway failed on this request.", "fault", code="internal_error")


def saturated(answer: Saturated) -> Refusal:
    """No place at the upstream. The caller learns when to come again, not who else is waiting."""
    message = "The model is at capacity right now. Please try again shortly."
    return Refusal("saturated", 503, message, f"saturated.{answer.why}", code="service_unavailable", retry_us=answer.retry_us)


def no_upstream(facts: RequestFacts) -> Refusal:
    """No upstream of the policy serves the model asked for."""
    named = f"The model `{facts.model[:100]}` does not exist" if facts.model else "No endpoint serves this request"
    return Refusal("model_denied", 404, f"{named}.", "upstream.none", code="model_not_found", param="model", final=True)


def not_yours(object_id: str) -> Refusal:
    """A stored object that another key made, or nobody known: to this caller it does not exist."""
    return Refusal("route_denied", 404, f"No object `{object_id[:64]}` was found.", "object.unowned", code="not_found", final=True)


def not_listed(route: str) -> Refusal:
    """Listing stored objects under a credential that all callers share would show everybody's."""
    message = f"{route[:200]} is not available here: objects are reached by their id."
    return Refusal("route_denied", 403, message, "route.lists", code="request_forbidden", final=True)


def upstream_refusal(kind: UpstreamFault | Literal[""]) -> Refusal:
    """What a failing endpoint is answered with: 504 for time, 502 for the rest. `kind` "": it broke off, nobody knows how."""
    if kind in {"connect_timeout", "first_byte_timeout", "idle_timeout"}:
        return Refusal("upstream_timeout", 504, "The model did not answer in time.", f"upstream.{kind}", code="upstream_timeout")
    if kind in {"connect", "tls"}:
        return Refusal("upstream_unreachable", 502, "The model cannot be reached.", f"upstream.{kind}", code="upstream_unreachable")
    return Refusal("upstream_broken", 502, "The model broke off its answer.", f"upstream.{kind or 'broken'}", code="upstream_broken")
