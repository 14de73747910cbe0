"""Floor 1, risk: evidence summed into a verdict."""
