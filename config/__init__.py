"""Settings and data. The only package that reads the environment; it imports nothing of ours."""
