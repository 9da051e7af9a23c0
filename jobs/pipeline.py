"""The flow: Recording → Audio → Words + Turns → Transcript → Recap → Artifacts, as far as it is pure."""

from collections.abc import Iterator
from dataclasses import replace

from jobs.align import utterances
from jobs.audio import MediaInfo
from jobs.diarize import Diarization, DiarizeOptions
from jobs.doubt import Rules, marked
from jobs.german import time_code
from jobs.hotwords import hotwords
from jobs.interjections import Backchannels, undivided
from jobs.programme import SEVERAL, Talk
from jobs.spelling import repaired
from jobs.timeline import Seconds
from jobs.timing import settled
from jobs.transcribe import Recognition, TranscribeOptions
from jobs.transcript import Notice, Transcript

#: Voices beyond those announced that a recording may hold: somebody who opens the stage, a question from the audience.
UNANNOUNCED_VOICES = 2
#: Where fewer guests are announced, their number is no bound: a talk has a host and questions from the audience.
FEWEST_GUESTS = 2


def transcribe_options(talk: Talk, *, languages: tuple[str, ...], beam_size: int, batch_size: int) -> TranscribeOptions:
    """What the recognizer is asked for a talk; it detects the language unless one is fixed."""
    fixed = None if talk.language == SEVERAL else talk.language
    return TranscribeOptions(fixed, languages, hotwords(talk), beam_size, batch_size)


def diarize_options(talk: Talk) -> DiarizeOptions:
    """What the diarizer is asked for a talk: the bounds that somebody set, else what the announced guests make likely.

    Guests are no lower bound, since they may stay away; and one guest announced says nothing of who asks and answers.
    """
    bounds = DiarizeOptions(talk.min_speakers, talk.max_speakers)
    if bounds == DiarizeOptions() and len(talk.guests) >= FEWEST_GUESTS:
        return DiarizeOptions(max_speakers=len(talk.guests) + UNANNOUNCED_VOICES)
    return bounds


def transcript_of(  # noqa: PLR0913  # all that is known of a recording meets here
    recording_id: str, media: MediaInfo, recognition: Recognition, diarization: Diarization,
    talk: Talk, rules: Rules, known: Backchannels,
) -> Transcript:  # fmt: skip
    """Join what was said with who spoke, mark what `rules` give cause to doubt, and spell names as `talk` does.

    Interjections that are `known` don't break anybody's sentence.
    """
    turns = diarization.exclusive
    recognition = replace(recognition, segments=settled(recognition.segments, recognition.speech))
    said = utterances(recognition.segments, turns)
    said = undivided(marked(said, recognition, turns, rules, hotwords=hotwords(talk)), known)
    heard = Transcript(
        recording_id=recording_id,
        duration_s=media.decoded_s,
        language=recognition.language if said else "und",
        utterances=said,
        turns=diarization.turns,
        notices=(*_notices(media, empty=not said), *_ghosts(diarization), *talk.notices),
        media=media,
        provenance=(recognition.provenance, diarization.provenance),
    )
    return repaired(heard, talk)


def _notices(media: MediaInfo, *, empty: bool) -> Iterator[Notice]:
    if media.has_gap:
        yield Notice("incomplete" if media.missing_s > 0 else "longer-than-claimed", gap_fields(media))
    if empty:
        yield Notice("no-speech")
    others = [str(track.index) for track in media.tracks if track.index != media.track]
    if others:
        yield Notice("other-tracks", {"track": media.track, "others": ", ".join(others)})


def _ghosts(diarization: Diarization) -> Iterator[Notice]:
    """Who was heard but too briefly to be told apart: their words stand under other names, or under none."""
    if diarization.ghosts:
        several = "brief-voices" if len(diarization.ghosts) > 1 else "brief-voice"
        yield Notice(several, {"count": len(diarization.ghosts), "time": time_code(diarization.ghosts[0])})


def gap_fields(media: MediaInfo) -> dict[str, str | int | float]:
    """What the sentence about a damaged recording names; times as an editor reads them."""
    claimed: Seconds = media.container_s or 0.0
    missing = round(abs(media.missing_s), 1)
    return {"decoded": time_code(media.decoded_s), "claimed": time_code(claimed), "missing": missing}
