"""Embeddings that carry a caller's trace and teach a student less, while what is near stays near.

Each vector is turned a little, in planes of coordinate pairs that only the caller's secret tells (an isometry: what was near is as
near), and gets a trace: for each of four secret pairs of directions (u, w) a small addition along w that swings smoothly with where
the vector lies on u, so that neighbours get nearly the same. No vector shows the trace, many do: `correlate` takes the covariance g of
the swings and the vectors, with the data's own shape and the directions u taken out. For data that know nothing of w, the cosine of g
and w is that of a fixed and a random direction, so its t value follows Student's distribution exactly; the four are pooled after
Stouffer (1949).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field

from gateway.perturb.base import AnswerEdit, Context, Craft, Document, Options, derived
from gateway.perturb.edits import Counting, objects

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PERTURBATION", "EmbeddingsOptions", "Found", "correlate", "perturb", "whitening"]

_LEAST_DIMENSIONS = 16
_PAIRS = 4
_SWING = 0.7
"""How fast the trace swings over where vectors lie on a side, in standard deviations of vectors that lie anywhere."""

_NORMAL = NormalDist()
_LEAST_VECTORS = 8


class EmbeddingsOptions(Options):
    """Embeddings turned a little and with a trace; what is near stays near."""

    turn: Annotated[float, Field(ge=0, le=1.5)] = Field(
        default=0.004,
        description="Angle in radians by which the caller's space is turned. Nearness within it is kept exactly; to vectors that he "
        "got before it is kept the less, the larger the angle.",
    )
    trace: Annotated[float, Field(ge=0, le=0.3)] = Field(default=0.017, description="Length of the trace, of a vector's length 1.")


class _Embeddings(Craft):
    name = "embeddings"
    version = "1"
    options = EmbeddingsOptions

    def answer(self, context: Context, options: EmbeddingsOptions) -> AnswerEdit | None:
        return _Edit(context, options) if context.dialect == "openai.embeddings" else None


class _Edit(Counting):
    """Edits the vectors of one answer, lists of numbers and base64 alike."""

    def __init__(self, context: Context, options: EmbeddingsOptions) -> None:
        super().__init__()
        self._context = context
        self._options = options

    def edit(self, document: Document) -> list[Document]:
        import numpy as np

        for entry in objects(document.get("data")):
            told = entry.get("embedding")
            try:
                raw = base64.b64decode(told, validate=True) if isinstance(told, str) else None
                vector = np.frombuffer(raw, "<f4") if raw is not None else np.asarray(told, np.float64)
            except (binascii.Error, ValueError, TypeError):
                continue
            if vector.ndim != 1 or vector.size < _LEAST_DIMENSIONS:
                continue
            altered = perturb(vector.astype(np.float64), self._context.secret, self._context.key_id, self._options).astype("<f4")
            plain = [float(text) for text in map(str, altered)]
            entry["embedding"] = plain if raw is None else base64.b64encode(altered.tobytes()).decode()
            self.count += 1
        return [document]


class Found(NamedTuple):
    """How a caller's trace stands in vectors. `z` is the pooled value, standard normal for every other caller; `p` how often one whose
    answers are not among them would reach it."""

    z: float
    vectors: int
    p: float


class _Secret(NamedTuple):
    """A caller's directions u and w, (4, d) each, and his planes: the coordinates in pairs, with a sign for each pair's turn."""

    sides: NDArray[np.float64]
    traces: NDArray[np.float64]
    order: NDArray[np.int64]
    signs: NDArray[np.float64]


def perturb(vector: NDArray[np.float64], secret: bytes, key_id: str, options: EmbeddingsOptions) -> NDArray[np.float64]:
    """One vector (d,) altered for a caller, of the same length as it had. `secret` as in `Context`."""
    import numpy as np

    length = float(np.linalg.norm(vector))
    if not length or not math.isfinite(length):
        return vector
    unit = vector / length
    known = _secret_of(secret, key_id, unit.size)
    swing = np.sin(_SWING * math.sqrt(unit.size) * (known.sides @ unit))
    traced = unit + options.trace * math.sqrt(2 / _PAIRS) * (swing @ known.traces)
    half = unit.size // 2
    first, second = known.order[:half], known.order[half : 2 * half]
    turned = traced.copy()
    sine = known.signs * math.sin(options.turn)
    turned[first] = math.cos(options.turn) * traced[first] - sine * traced[second]
    turned[second] = math.cos(options.turn) * traced[second] + sine * traced[first]
    return np.asarray(turned * (length / np.linalg.norm(turned)), np.float64)


def whitening(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """What takes the data's own shape out of `correlate`, (d, d): the inverse of the covariance of vectors (n, d), shrunk by a
    twentieth of its mean. To be made once where many callers are tried."""
    import numpy as np

    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    spread = np.cov(units.T, bias=True)
    return np.asarray(np.linalg.inv(spread + np.eye(len(spread)) * max(float(np.trace(spread)) / len(spread) * 0.05, 1e-12)))


def correlate(vectors: NDArray[np.float64], secret: bytes, key_id: str, white: NDArray[np.float64] | None = None) -> Found:
    """How a caller's trace stands in vectors (n, d), d at least 16. `secret` as in `Context`. Fewer than 8 vectors say nothing."""
    import numpy as np

    count, dimensions = vectors.shape
    if count < _LEAST_VECTORS or dimensions < _LEAST_DIMENSIONS:
        return Found(0.0, count, 1.0)
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    known = _secret_of(secret, key_id, dimensions)
    swing = np.sin(_SWING * math.sqrt(dimensions) * (units @ known.sides.T))
    pooled = 0.0
    white = whitening(vectors) if white is None else white
    base = np.linalg.qr(known.sides.T)[0]
    freedom = dimensions - _PAIRS - 1
    for side, trace in zip((swing - swing.mean(axis=0)).T, known.traces, strict=True):
        told, wanted = (vector - base @ (base.T @ vector) for vector in (white @ (side @ units), trace))
        cosine = float(told @ wanted / max(float(np.linalg.norm(told) * np.linalg.norm(wanted)), 1e-12))
        t = cosine * math.sqrt(freedom / max(1.0 - cosine * cosine, 1e-12))
        beyond = min(max(_beyond(abs(t), freedom), 1e-300), 0.5)
        pooled += math.copysign(-_NORMAL.inv_cdf(beyond), t)
    z = pooled / math.sqrt(_PAIRS)
    return Found(z, count, math.erfc(z / math.sqrt(2)) / 2)


@lru_cache(maxsize=256)
def _secret_of(secret: bytes, key_id: str, dimensions: int) -> _Secret:
    """What is a caller's own. It stays the same over epochs, for the indexes that his vectors stand in do."""
    import numpy as np

    key = derived(secret, "embeddings", key_id, dimensions)
    sides = np.stack([_direction(derived(key, "side", number), dimensions) for number in range(_PAIRS)])
    traces = np.stack([_direction(derived(key, "trace", number), dimensions) for number in range(_PAIRS)])
    order = np.argsort(_direction(derived(key, "planes"), dimensions))
    signs = np.sign(_direction(derived(key, "turns"), dimensions))[: dimensions // 2]
    return _Secret(sides, traces, order, signs)


def _direction(key: bytes, dimensions: int) -> NDArray[np.float64]:
    """A direction drawn evenly over all of them, by the Box-Muller transform (1958) of keyed bits."""
    import numpy as np

    words = np.frombuffer(hashlib.shake_256(key).digest(8 * (dimensions + dimensions % 2)), "<u4").astype(np.float64)
    first, second = (words[0::2] + 0.5) / 2**32, words[1::2] / 2**32
    drawn = (np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second))[:dimensions]
    return np.asarray(drawn / np.linalg.norm(drawn), np.float64)


def _beyond(t: float, freedom: int) -> float:
    """How often Student's t with `freedom` degrees exceeds `t`: the tail of a direction's cosine, integrated in the angle.

    The cosine of a random direction with a fixed one has density sin(angle)**(freedom - 1) in the angle, up to its whole integral.
    """
    import numpy as np

    angle = math.atan2(math.sqrt(freedom), t)
    grid = np.linspace(0.0, 1.0, 20_001)
    with np.errstate(divide="ignore"):
        tail = _integral((freedom - 1) * np.log(np.sin(angle * grid)), angle)
        whole = _integral((freedom - 1) * np.log(np.abs(np.sin(math.pi * grid)) + 1e-300), math.pi)
    return min(1.0, math.exp(tail - whole))


def _integral(logs: Any, width: float) -> float:
    """The logarithm of an integral over `width`, from the logarithms of its values on an even grid, by Simpson's rule."""
    import numpy as np

    top = float(np.max(logs))
    values = np.exp(logs - top)
    total = values[0] + values[-1] + 4 * values[1:-1:2].sum() + 2 * values[2:-1:2].sum()
    return top + math.log(float(total) * width / (3 * (len(values) - 1)))


PERTURBATION = _Embeddings()
