"""Azeotrope: a gateway in front of model endpoints that keeps quota, and copies from being made through the API."""

from __future__ import annotations

__version__ = "0.1.0"
