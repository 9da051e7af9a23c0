"""`transcript.ttml`: subtitles for broadcasters and media libraries (EBU-TT-D 1.0.1, EBU Tech 3380, a profile of TTML).

Names stand before the words; voices have colours too, four of them in turn, as subtitles on German television do.
"""

from dataclasses import dataclass

from jobs.artifacts import Artifact
from jobs.export.cues import Cue, Layout, stamp
from jobs.export.heading import transcript_heading
from jobs.export.introduced import introduced_cues
from jobs.export.labels import Labels
from jobs.export.pages import fill
from jobs.export.readable import language_tag
from jobs.programme import Talk
from jobs.transcript import Transcript

#: White, yellow, cyan, green: the colours of teletext that can be read on black.
COLORS = ("#FFFFFF", "#FFFF00", "#00FFFF", "#00FF00")


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """One cue as it stands in the document."""

    id: str
    begin: str
    end: str
    language: str
    #: Names of styles, parted by blanks.
    styles: str
    lines: tuple[str, ...]


def write(transcript: Transcript, talk: Talk, labels: Labels, layout: Layout) -> Artifact:
    """Write subtitles; label, title and notices stand in the metadata, doubtful speech in brackets and italics."""
    order = {speaker: index for index, speaker in enumerate(transcript.speakers)}
    shown = introduced_cues(transcript, talk, labels, layout)
    paragraphs = (_paragraph(number, cue, order.get(cue.speaker or "", 0)) for number, cue in enumerate(shown, start=1))
    data = fill(
        "transcript.ttml.j2",
        heading=transcript_heading(transcript, talk, labels),
        language=language_tag(transcript.language),
        colors=COLORS,
        paragraphs=tuple(paragraphs),
    )
    return Artifact("transcript.ttml", "application/ttml+xml; charset=utf-8", data)


def _paragraph(number: int, cue: Cue, voice: int) -> _Paragraph:
    styles = f"voice{voice % len(COLORS)}" + (" doubt" if cue.doubt is not None else "")
    begin, end = stamp(cue.span.start, "."), stamp(cue.span.end, ".")
    return _Paragraph(f"c{number}", begin, end, language_tag(cue.language), styles, cue.lines)
