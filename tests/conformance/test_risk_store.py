"""What `ports.RiskStore` promises, over every adapter."""

from __future__ import annotations
