"""From an upload to samples, behind a fence; and back into a copy that has chapters."""
