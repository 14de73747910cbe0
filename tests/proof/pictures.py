"""Draws docs/img/*.svg from what `runs` prints: `python -m tests.proof.runs | DRAWING/python -m tests.proof.pictures` (`make docs`).

Needs matplotlib and nothing of this project. The output is deterministic, and each picture bears a digest of its numbers: the suite
runs the code again and compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "img"
BLUE, RED, GREY, GREEN = "#2b6cb0", "#c53030", "#718096", "#2f855a"
STYLE = {
    "svg.hashsalt": "azeotrope", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.edgecolor": GREY, "legend.frameon": False, "path.simplify": False,
}  # fmt: skip


def standing(axes, told, unit):
    """How a limit stands over time, and which requests it held or refused."""
    top = max(told["limit"], *(used for _, used in told["used"]))
    axes.step([t for t, _ in told["used"]], [used for _, used in told["used"]], where="post", color=BLUE, lw=1.2, label="used")
    axes.axhline(told["limit"], color=GREY, lw=0.8, ls="--", label="limit")
    for held, color, marker, place, label in ((True, GREEN, "|", 1.10, "held"), (False, RED, "x", 1.17, "refused")):
        moments = [t for t, was in told["asked"] if was is held]
        axes.plot(moments, [top * place] * len(moments), marker, color=color, ms=4, lw=0, label=label)
    axes.set(xlabel="seconds", ylabel=unit, ylim=(0, top * 1.25))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def sliding(axes, told):
    standing(axes, told, "requests in the last minute")
    axes.axvline(60, color=GREY, lw=0.6, ls=":")


def bucket(axes, told):
    standing(axes, told, "level of the bucket")


def calendar(axes, told):
    hours = {key: [(t / 3600, what) for t, what in told[key]] for key in ("asked", "used")}
    standing(axes, {**told, **hours}, "tokens since midnight")
    axes.axvline(told["midnight"] / 3600, color=GREY, lw=0.6, ls=":")
    axes.set(xlabel="hours; midnight at 12 and 36")


def lifetime(axes, told):
    standing(axes, told, "tokens ever")


def slots(axes, told):
    standing(axes, told, "slots open")
    axes.axvline(told["freed"], color=GREY, lw=0.6, ls=":")


def debt(axes, told):
    standing(axes, told, "tokens in the last minute")


def extending(axes, told):
    passed = [p for p, _ in told["covers"]] + [told["ended"]]
    held = [h for _, h in told["covers"]] + [told["covers"][-1][1]]
    axes.step(passed, held, where="post", color=BLUE, lw=1.2, label="held")
    axes.plot([0, told["ended"]], [0, told["ended"]], color=GREEN, lw=1.0, label="passed on")
    axes.axhline(told["limit"], color=GREY, lw=0.8, ls="--", label="left of the limit")
    axes.plot([told["ended"]], [told["limit"]], "x", color=RED, label="ends: `length`")
    axes.set(xlabel="output tokens passed on", ylabel="output tokens")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def adaptive(axes, told):
    for craft, color in (("gradient", BLUE), ("aimd", GREEN)):
        axes.step([t for t, _ in told[craft]], [limit for _, limit in told[craft]], where="post", color=color, lw=1.0, label=craft)
    served = told["capacity"]
    axes.step([t for t, _ in served], [c for _, c in served], where="post", color=GREY, lw=0.8, ls="--", label="served at once")
    axes.set(xlabel="seconds", ylabel="most at once", ylim=(0, None))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def fairness(axes, told):
    for caller, color in (("noisy", RED), ("batch", GREY), ("quiet", BLUE)):
        axes.plot([t for t, _ in told[caller]], [wait for _, wait in told[caller]], ".", ms=4, color=color, label=caller)
    axes.set(xlabel="served at, seconds", ylabel="seconds waited")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


DRAWN = {
    "sliding": sliding, "bucket": bucket, "calendar": calendar, "lifetime": lifetime, "slots": slots, "debt": debt,
    "extending": extending, "adaptive": adaptive, "fairness": fairness,
}  # fmt: skip


def main():
    FOLDER.mkdir(exist_ok=True)
    runs = json.load(sys.stdin)
    with plt.rc_context(STYLE):
        for name, draw in DRAWN.items():
            told = runs[name]["told"]
            figure, axes = plt.subplots(figsize=(7.2, 2.3), layout="constrained")
            draw(axes, told)
            figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None, "Description": f"drawn from {runs[name]['digest']}"})
            plt.close(figure)
            print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
