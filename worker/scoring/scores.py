"""Scores of one recording: those of the words, and those of the speakers by the reference tools of the field.

cpWER (Watanabe et al. 2020, arXiv:2004.09249) and tcpWER (von Neumann et al. 2023, arXiv:2307.11394) are meeteval's,
DER and JER (Ryant et al. 2019, arXiv:1906.07839) are pyannote.metrics'.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from jobs.errors import SetupError
from jobs.scoring.alignment import Place, align, spots
from jobs.scoring.measure import Errors, Measure
from jobs.scoring.reference import Hypothesis, Reference, Segment, spans
from jobs.scoring.scores import Scores, text_scores
from jobs.timeline import Seconds
from jobs.transcript import Turn

if TYPE_CHECKING:
    from pyannote.core import Annotation

#: Speaker borders are left out of DER and JER this far on either side, unless asked otherwise.
COLLAR_S: Seconds = 0.25
#: A word may be heard this far from where it is said (tcpWER; the value of the CHiME-8 evaluation).
TCP_COLLAR_S: Seconds = 5.0
#: Stretches of time that are drawn for an interval of DER are this long, or a hundredth of the recording.
UNIT_S: Seconds = 10.0
MOST_UNITS = 100
#: meeteval takes more speakers for a mistake.
MOST_SPEAKERS = 20
_NOBODY = "unknown"


def scores(reference: Reference, hypothesis: Hypothesis, *, collar: Seconds = COLLAR_S) -> Scores:
    """Measure all that `reference` allows; `collar` in seconds on either side of each border of a turn.

    Raises:
        SetupError: "no-meeteval".
    """
    found = text_scores(reference, hypothesis)
    if reference.segments and all(segment.speaker for segment in reference.segments):
        found = _with_speakers(found, reference.segments, hypothesis.segments)
    if reference.turns and hypothesis.turns is not None:
        der, jer = _diarization(reference.turns, hypothesis.turns, collar)
        found = replace(found, der=der, jer=jer)
    return found


def meeteval() -> Any:
    """The package; its import takes a while.

    Raises:
        SetupError: "no-meeteval": it isn't installed.
    """
    try:
        import meeteval as package  # noqa: PLC0415
    except ImportError:
        raise SetupError(
            "no-meeteval",
            "`nachlese evaluate` needs meeteval: pip install 'nachlese[evaluate]' (it asks for a C++ compiler)",
        ) from None
    # It tells of segments of one speaker that overlap, by name of the speaker.
    logging.getLogger("preprocess").setLevel(logging.ERROR)
    return package


def _with_speakers(found: Scores, reference: Sequence[Segment], hypothesis: Sequence[Segment]) -> Scores:
    wer = meeteval().wer
    if max(len(set(map(_voice, side))) for side in (reference, hypothesis)) > MOST_SPEAKERS:
        return found
    said, heard = _seglst(reference), _seglst(hypothesis)
    cpwer = wer.cp_word_error_rate(said, heard, reference_sort=False, hypothesis_sort=False)
    tcpwer = None
    if spans(reference) is not None and spans(hypothesis) is not None:
        timed = wer.time_constrained_minimum_permutation_word_error_rate(said, heard, collar=TCP_COLLAR_S)
        tcpwer = Measure((_errors(timed),))
    return replace(found, cpwer=_by_place(cpwer.assignment, reference, hypothesis), tcpwer=tcpwer)


def _seglst(segments: Sequence[Segment]) -> Any:
    """Segments as meeteval takes them, in comparable words."""
    read: dict[int, list[str]] = {index: [] for index in range(len(segments))}
    for spot in spots(segments):
        read[spot.segment].append(spot.text)
    rows = []
    for index, segment in enumerate(segments):
        row: dict[str, Any] = {"session_id": "it", "speaker": _voice(segment), "words": " ".join(read[index])}
        if segment.span is not None:
            row |= {"start_time": segment.span.start, "end_time": segment.span.end}
        rows.append(row)
    return meeteval().io.SegLST(rows)


def _by_place(
    assignment: Sequence[tuple[str | None, str | None]], reference: Sequence[Segment], hypothesis: Sequence[Segment]
) -> Measure:
    """The errors of cpWER by part of the reference, as those of WER, once it is known who is who.

    meeteval gives the whole alone. Levenshtein distances of the same pairs have the same sum, and where they put the
    errors is good enough to draw parts. What a surplus speaker says belongs with the part that was said before it.
    """
    found = align(reference, ()).by_place
    found = dict.fromkeys(found, Errors())
    for speaker, voice in assignment:
        mine = [index for index, segment in enumerate(reference) if segment.speaker == speaker]
        theirs = [segment for segment in hypothesis if _voice(segment) == voice]
        if speaker is None:
            for segment in theirs:
                found[_before(segment, reference, found)] += align((), [segment]).measure.total
            continue
        for (index, piece), errors in align([reference[index] for index in mine], theirs).by_place.items():
            place = (mine[index], piece)
            found[place if place in found else next(iter(found))] += errors
    return Measure(tuple(found.values()))


def _before(segment: Segment, reference: Sequence[Segment], places: Mapping[Place, Errors]) -> Place:
    """The last part of the reference that begins before a segment of the hypothesis; the first where times fail."""
    start = 0.0 if segment.span is None else segment.span.start
    begun = [place for place in places if (said := reference[place[0]].span) is not None and said.start <= start]
    return begun[-1] if begun else next(iter(places))


def _voice(segment: Segment) -> str:
    return segment.speaker or _NOBODY


def _errors(rate: Any) -> Errors:
    return Errors(rate.insertions, rate.deletions, rate.substitutions, rate.length)


def _diarization(reference: Sequence[Turn], hypothesis: Sequence[Turn], collar: Seconds) -> tuple[Measure, Measure]:
    """DER by stretch of time, and JER."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages it brings along
        from pyannote.core import Segment as Stretch  # noqa: PLC0415
        from pyannote.core import Timeline  # noqa: PLC0415
        from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate  # noqa: PLC0415
        from pyannote.metrics.identification import IdentificationErrorRate  # noqa: PLC0415
    # The two systems' labels must be told apart.
    hypothesis = [Turn(turn.span, f"heard {turn.speaker}") for turn in hypothesis]
    said, heard = _annotation(reference), _annotation(hypothesis)
    end = max(turn.span.end for turn in (*reference, *hypothesis)) + 2 * collar
    whole = Timeline([Stretch(0, end)])
    both = 2 * collar  # pyannote.metrics takes the collar's whole width
    mapping = DiarizationErrorRate(collar=both)
    inside_said, inside_heard = mapping.uemify(said, heard, uem=whole, collar=both)
    names = mapping.optimal_mapping(inside_said, inside_heard)
    named = [Turn(turn.span, names.get(turn.speaker, turn.speaker)) for turn in hypothesis]
    identification = IdentificationErrorRate(collar=both)
    units = []
    for start, stop in pairwise(_cuts(end)):
        # It takes far longer over turns that lie elsewhere.
        sides = (_annotation(_near(turns, start - collar, stop + collar)) for turns in (reference, named))
        part = identification(*sides, uem=Timeline([Stretch(start, stop)]), detailed=True)
        kinds = ("false alarm", "missed detection", "confusion", "total")
        units.append(Errors(*(float(part[kind]) for kind in kinds)))
    jaccard = JaccardErrorRate(collar=both)(said, heard, uem=whole, detailed=True)
    jer = Errors(confused=float(jaccard["speaker error"]), of=float(jaccard["speaker count"]))
    return Measure(tuple(units)), Measure((jer,))


def _cuts(end: Seconds) -> list[Seconds]:
    number = max(1, min(MOST_UNITS, round(end / UNIT_S)))
    return [end * place / number for place in range(number + 1)]


def _near(turns: Sequence[Turn], start: Seconds, stop: Seconds) -> list[Turn]:
    return [turn for turn in turns if turn.span.start <= stop and turn.span.end >= start]


def _annotation(turns: Sequence[Turn]) -> "Annotation":
    """Turns as pyannote has them."""
    from pyannote.core import Annotation  # noqa: PLC0415
    from pyannote.core import Segment as Stretch  # noqa: PLC0415

    found = Annotation()
    for place, turn in enumerate(turns):
        if turn.span.duration:
            found[Stretch(turn.span.start, turn.span.end), place] = turn.speaker
    return found
