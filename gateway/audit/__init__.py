"""The audit log: `chain` is the pure craft (floor 1), `segments` the sink (floor 4), `verify` reads the format alone."""
