"""`transcript.stm`: who said what when, for scoring (Segment Time Mark, NIST SCTK)."""

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.readable import clean
from jobs.export.scored import field, session
from jobs.programme import Talk
from jobs.transcript import Transcript, Utterance


def write(transcript: Transcript, _talk: Talk, _labels: Labels) -> Artifact:
    """Write an utterance a line, by diarization label; doubt has no place here, doubtful words are among the others."""
    lines = (_line(session(transcript), utterance) for utterance in transcript.utterances)
    return Artifact("transcript.stm", "text/plain; charset=utf-8", "".join(lines).encode())


def _line(name: str, utterance: Utterance) -> str:
    text = clean(utterance.text)
    # NIST's reader takes "<…>" before the words for a label, and words in braces or brackets for options.
    harmless = text.translate(str.maketrans("<>{}", "‹›()"))
    span = utterance.span
    return f"{name} 1 {field(utterance.speaker)} {span.start:.3f} {span.end:.3f} {harmless}".rstrip() + "\n"
