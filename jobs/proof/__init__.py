"""Whether what a draft says is borne out by what was said, decided in code."""
