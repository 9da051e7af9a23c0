"""How good a transcript is, by a reference: counts of errors that pool, and intervals around them."""
