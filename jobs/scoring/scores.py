"""All that is measured of one recording, and of several together."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from jobs.scoring.alignment import align, basic_spots
from jobs.scoring.chapters import chapter_errors
from jobs.scoring.doubts import doubt, doubt_cost, invented
from jobs.scoring.languages import language_errors
from jobs.scoring.measure import Measure, pooled
from jobs.scoring.names import name_errors
from jobs.scoring.reference import Hypothesis, Reference
from jobs.scoring.word_times import time_errors
from jobs.timeline import Seconds


@dataclass(frozen=True, slots=True)
class Scores:
    """What could be measured; None is what could not, for want of a reference or of an answer."""

    #: Word error rate after `jobs.scoring.normalizer.tokens`; a unit is a segment.
    wer: Measure | None = None
    #: The same after Whisper's published rules alone, to compare with other people's figures.
    wer_basic: Measure | None = None
    #: Words of the wrong speaker count as errors (concatenated minimum permutation); units as in `wer`.
    cpwer: Measure | None = None
    #: The same, and words must be heard within seconds of where they are said; one unit.
    tcpwer: Measure | None = None
    #: Diarization error rate in seconds: false alarm, missed, confused; a unit is a stretch of time.
    der: Measure | None = None
    #: Jaccard error rate, counted in speakers; one unit.
    jer: Measure | None = None
    #: Names and terms that aren't written as the list has them; a unit is a mention.
    names: Measure | None = None
    #: Utterances in another language than the one spoken there.
    languages: Measure | None = None
    #: The same in seconds.
    language_time: Measure | None = None
    #: Words written where nobody speaks, of all words written.
    invented: Measure | None = None
    #: Those of them that stand there without a mark of doubt.
    invented_unmarked: Measure | None = None
    #: Utterances marked as doubtful that don't deserve it, of all marked: 1 - precision.
    doubt_precision: Measure | None = None
    #: Utterances that deserve doubt and aren't marked, of all that deserve it: 1 - recall.
    doubt_recall: Measure | None = None
    #: Right words in doubtful utterances, of all right words: what readers are kept from for nothing.
    doubt_cost: Measure | None = None
    #: Chapters of the reference that nobody found.
    chapters_missed: Measure | None = None
    #: Chapters found that the reference doesn't have, of all found: 1 - precision.
    chapters_extra: Measure | None = None
    #: By how many seconds starts and ends of rightly heard words are off, unsigned.
    word_times: tuple[Seconds, ...] | None = None


#: Names of all that is a `Measure`, in order.
MEASURES = tuple(field.name for field in fields(Scores) if field.name != "word_times")


def together(several: Iterable[Scores]) -> Scores:
    """Scores of recordings, pooled: errors by errors and lengths by lengths, never a mean of rates."""
    all_of = tuple(several)
    times = [one.word_times for one in all_of if one.word_times is not None]
    measures = {name: pooled(getattr(one, name) for one in all_of) for name in MEASURES}
    return Scores(**measures, word_times=tuple(off for some in times for off in some) if times else None)


def text_scores(reference: Reference, hypothesis: Hypothesis) -> Scores:
    """All scores that words, times and marks give by themselves; those of speakers are left out."""
    found: dict[str, Measure | None] = {}
    alignment, times = None, None
    if reference.segments is not None:
        alignment = align(reference.segments, hypothesis.segments)
        times = time_errors(alignment, reference.segments, hypothesis.segments)
        found["names"] = name_errors(alignment, reference.names)
        found["doubt_cost"] = doubt_cost(alignment, hypothesis.segments)
        if not reference.is_silent:
            found["wer"] = alignment.measure
            found["wer_basic"] = align(reference.segments, hypothesis.segments, basic_spots).measure
        languages = language_errors(reference.segments, hypothesis.segments)
        found["languages"], found["language_time"] = languages or (None, None)
    if reference.speech is not None:
        found["invented"], found["invented_unmarked"] = invented(reference.speech, hypothesis)
    if alignment is not None or reference.doubtful is not None:
        found["doubt_precision"], found["doubt_recall"] = doubt(alignment, reference.doubtful, hypothesis)
    if reference.chapters is not None and hypothesis.chapters is not None:
        missed, extra = chapter_errors(reference.chapters, hypothesis.chapters)
        found["chapters_missed"], found["chapters_extra"] = missed, extra
    return Scores(**found, word_times=times)
