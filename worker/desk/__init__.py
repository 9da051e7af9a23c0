"""What people ask for: how a recording stands, another try, a correction, a signature, another shape, a digest."""
