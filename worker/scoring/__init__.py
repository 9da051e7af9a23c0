"""How good the transcripts are, against references."""
