"""Floor 1, policy files: schema at the edge, compiled to frozen values, matched to callers."""
