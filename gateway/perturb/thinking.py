"""Reasoning that stands in the visible text between `<think>` and `</think>`, taken out as it passes.

Servers without a reasoning parser tell it so. A tag in code (a fenced block, or between backticks of one line) is no reasoning. Where
a chat template has opened the tag before the answer began, only its end is seen, and what came before it has gone out.
"""

from __future__ import annotations

import re

__all__ = ["ThinkingEdit"]

_OPEN, _CLOSE = re.compile(r"<(think|thinking|thought)>"), "</{}>"
_PLAIN = re.compile(r"[^\n`<]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_LONGEST_TAG = len("</thinking>")
_LONGEST_FENCE = 80
"""Characters of a line's beginning that are looked at for a fence."""


class ThinkingEdit:
    """Takes thoughts out of one channel of text; see `base.TextEdit`. Holds back at most what could begin a tag or a fence."""

    def __init__(self) -> None:
        self.count = 0
        self.notes: tuple[str, ...] = ()
        self._held = ""
        self._inside = ""
        """The tag that is open."""
        self._fence = ""
        self._ticks = 0
        """How many backticks opened the code that this line is in; 0: none."""
        self._at_start = True
        """Whether what comes begins a line."""
        self._after = False
        """Whether a thought has just ended: the empty lines behind it go with it."""

    def feed(self, text: str) -> str:
        return self._run(text, last=False)

    def finish(self) -> str:
        return self._run("", last=True)

    def _run(self, text: str, *, last: bool) -> str:
        if not self._inside and not self._held and not self._after and not self._at_start and _calm(text):
            return text
        self._held += text
        out: list[str] = []
        while self._held:
            taken = self._thought(last=last) if self._inside else self._piece(out, last=last)
            if not taken:
                break
            self._held = self._held[taken:]
        return "".join(out)

    def _thought(self, *, last: bool) -> int:
        """How much of what is held is thought, and no longer needed."""
        end = _CLOSE.format(self._inside)
        at = self._held.find(end)
        if at < 0:
            return len(self._held) if last else max(0, len(self._held) - len(end) + 1)
        self._inside, self._after = "", True
        return at + len(end)

    def _piece(self, out: list[str], *, last: bool) -> int:
        """Hand on what is surely text, a mark at a time; how much was taken, 0 where more must come first."""
        held = self._held
        if self._after:
            blank = len(held) - len(held.lstrip())
            self._after = blank == len(held)
            return blank or self._piece(out, last=last)
        if self._at_start:
            return self._line_start(out, last=last)
        mark = held[0]
        if mark == "\n":
            self._at_start, self._ticks = True, 0
        elif mark == "`" and not self._fence:
            run = len(held) - len(held.lstrip("`"))
            if run == len(held) and not last:
                return 0
            self._ticks = 0 if run == self._ticks else self._ticks or run
            out.append(held[:run])
            return run
        elif mark == "<" and not self._fence and not self._ticks:
            opened = _OPEN.match(held)
            if opened is not None:
                self._inside = opened[1]
                self.count += 1
                return opened.end()
            if not last and len(held) < _LONGEST_TAG and ">" not in held and (len(held) == 1 or held[1:].isalpha()):
                return 0
        elif (plain := _PLAIN.match(held)) is not None:
            out.append(plain.group())
            return plain.end()
        out.append(mark)
        return 1

    def _line_start(self, out: list[str], *, last: bool) -> int:
        held = self._held
        line = held.partition("\n")[0][:_LONGEST_FENCE]
        blank = line.lstrip(" ")
        if len(line) == len(held) and not last and (not blank or (blank[0] in "`~" and len(line) < _LONGEST_FENCE)):
            return 0
        self._at_start = False
        fence = _FENCE.match(line)
        if self._fence:
            bare = line.strip()
            if fence is not None and bare.startswith(self._fence) and not bare.strip(self._fence[0]):
                self._fence = ""
        elif fence is not None and not (fence[1][0] == "`" and "`" in line[fence.end() :]):
            self._fence = fence[1]
        elif not self._fence:
            return self._piece(out, last=last)
        out.append(line)
        return len(line) or self._piece(out, last=last)


def _calm(text: str) -> bool:
    return "<" not in text and "`" not in text and "\n" not in text
