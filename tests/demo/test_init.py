"""Importing the demo costs nothing until it is asked for."""

from __future__ import annotations

import subprocess
import sys


def test_the_weights_are_not_worked_out_by_an_import(root):
    code = "import sys, gateway.demo; print(sorted(name for name in sys.modules if name.startswith('gateway.demo.')))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert out.stdout.strip() == "[]"
