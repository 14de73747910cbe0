"""Floor 1, quota: the arithmetic of limits, without a store and without a clock."""
