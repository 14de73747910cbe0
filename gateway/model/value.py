"""Values of one request are msgspec structs, those of a policy dataclasses; both are frozen, and copied with some fields changed here.

A request makes some sixty values on its road and throws them away, so what making one costs counts. Measured with fifteen fields on
Python 3.11: a frozen slotted dataclass takes 1.65 us to make and 4.1 us to copy by `dataclasses.replace`, a frozen `msgspec.Struct`,
which is made in C, 0.12 us and 0.16 us. Reading a field costs the same. What is made once per policy stays a dataclass.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from msgspec import Struct, structs

__all__ = ["replace"]

V = TypeVar("V")


def replace(value: V, /, **changes: Any) -> V:
    """A copy of a frozen value, struct or dataclass, with other values for these fields. TypeError for one that it does not have."""
    if isinstance(value, Struct):
        return structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)  # type: ignore[type-var]
