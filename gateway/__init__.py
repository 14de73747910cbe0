"""Azeotrope: a gateway in front of model endpoints that keeps quota, and copies from being made through the API.

from gateway import Gateway
app = Gateway(app, policy="policies/default.yaml")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.app import Gateway, admin_app

__all__ = ["Gateway", "__version__", "admin_app"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The middleware is imported when it is first asked for, so that the command line starts without the server's weight."""
    if name in {"Gateway", "admin_app"}:
        from gateway import app

        return getattr(app, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
