"""Work to be shown before a request is let through, and tokens of those who were verified."""
