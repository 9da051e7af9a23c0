"""`transcript.seglst.json`: who said what when, for scoring (SegLST, the list of segments of CHiME and meeteval)."""

from jobs.artifacts import Artifact, canonical_json
from jobs.export.labels import Labels
from jobs.export.readable import clean
from jobs.export.scored import field, session
from jobs.programme import Talk
from jobs.transcript import Transcript


def write(transcript: Transcript, _talk: Talk, _labels: Labels) -> Artifact:
    """Write an utterance a segment, by diarization label; doubtful words are among the others."""
    segments = [
        {
            "session_id": session(transcript),
            "speaker": field(utterance.speaker),
            "start_time": utterance.span.start,
            "end_time": utterance.span.end,
            "words": clean(utterance.text),
        }
        for utterance in transcript.utterances
    ]
    return Artifact("transcript.seglst.json", "application/json", canonical_json(segments))
