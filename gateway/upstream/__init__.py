"""Floor 4, upstreams: ways to the model endpoints."""
