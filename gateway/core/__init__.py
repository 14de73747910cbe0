"""Floor 2, the core: where a decision is formed and the road of a request is laid out. No I/O."""
