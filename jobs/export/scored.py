"""What the formats of speech research are made of: one word for each field, whatever it is called elsewhere."""

import re

from jobs.transcript import Transcript

#: Who spoke where nobody could be told.
NOBODY = "unknown"


def field(text: str | None) -> str:
    """A name as a field that blanks end: without blanks, and without what opens a comment or an empty field.

    Examples:
        >>> field("SPEAKER_00"), field("Anna Berg"), field(None)
        ('SPEAKER_00', 'Anna_Berg', 'unknown')
    """
    return re.sub(r"[^\w.-]+", "_", text or "") or NOBODY


def session(transcript: Transcript) -> str:
    """What recordings are told apart by."""
    return field(transcript.recording_id)
