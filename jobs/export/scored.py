"""What the formats of speech research are made of: one word for each field, whatever it is called elsewhere."""

import re
from collections.abc import Iterator, Sequence

from jobs.diarize import MERGE_GAP_S
from jobs.transcript import Transcript, Turn

#: Who spoke where nobody could be told.
NOBODY = "unknown"


def field(text: str | None) -> str:
    """A name as a field that blanks end: without blanks, and without what opens a comment or an empty field.

    Examples:
        >>> field("SPEAKER_00"), field("Anna Berg"), field(None)
        ('SPEAKER_00', 'Anna_Berg', 'unknown')
    """
    return re.sub(r"[^\w.-]+", "_", text or "") or NOBODY


def turns(transcript: Transcript) -> tuple[Turn, ...]:
    """Who spoke when: the diarizer's turns, overlaps kept.

    Of a corrected transcript the words tell: who corrects speakers moves words and not turns, and a diarizer that runs
    again knows nothing of it.
    """
    if transcript.version == 0:
        return transcript.turns
    spoken = [Turn(word.span, u.speaker) for u in transcript.utterances if u.speaker is not None for word in u.words]
    voices = ([one for one in spoken if one.speaker == label] for label in transcript.speakers)
    return tuple(sorted(turn for own in voices for turn in _joined(own)))


def _joined(own: Sequence[Turn]) -> Iterator[Turn]:
    """One voice's words as turns, as long as it only pauses."""
    run: Turn | None = None
    for turn in sorted(own):
        if run is None:
            run = turn
        elif run.span.gap(turn.span) < MERGE_GAP_S:
            run = Turn(run.span.hull(turn.span), run.speaker)
        else:
            yield run
            run = turn
    if run is not None:
        yield run


def session(transcript: Transcript) -> str:
    """What recordings are told apart by."""
    return field(transcript.recording_id)
