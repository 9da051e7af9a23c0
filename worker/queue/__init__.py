"""The line of recordings: how they come into it, in which order they wait, and when they will be done."""
