"""Floor 4, stores: holds, keys, owners and verdicts in memory, SQLite and Redis."""
