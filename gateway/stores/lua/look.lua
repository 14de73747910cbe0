-- Tell how limits stand, charging nothing. KEYS: a place that is not read, then a counter per claim. ARGV: claims.
-- Gives, packed, fitted, used, reset_us, retry_us per claim.
return cmsgpack.pack(look(claims_from(1), clock()))
