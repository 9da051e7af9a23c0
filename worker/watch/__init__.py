"""What machines read of a process: numbers, and whether it lives."""
