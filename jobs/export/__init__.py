"""One module a format: each turns a transcript or a recap into the bytes of one file.

Exporters are pure: the words a German reader sees come in as `Labels`. A new format is a new module and a line in
one of the registries below.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from jobs.artifacts import Artifact
from jobs.export import (
    chapters_ffmetadata,
    chapters_json,
    chapters_mp4chaps,
    chapters_psc,
    chapters_vtt,
    chapters_youtube,
    recap_docx,
    recap_html,
    recap_json,
    recap_md,
    transcript_docx,
    transcript_html,
    transcript_json,
    transcript_md,
    transcript_podcast,
    transcript_rttm,
    transcript_seglst,
    transcript_srt,
    transcript_stm,
    transcript_ttml,
    transcript_txt,
    transcript_vtt,
)
from jobs.export.chapter_marks import ChapterMarks, chapter_marks
from jobs.export.cues import Layout
from jobs.export.labels import Labels
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.shapes import WHOLE, Shape
from jobs.transcript import Transcript

__all__ = ["ALWAYS", "CHAPTER_FORMATS", "DEFAULT", "FORMATS", "RECAP_FORMATS", "SUBTITLE_FORMATS", "TRANSCRIPT_FORMATS",
           "Export", "Labels", "Layout", "recap_files", "shaped_files",
           "transcript_files"]  # fmt: skip

#: File name → what writes it.
TRANSCRIPT_FORMATS: Mapping[str, Callable[[Transcript, Talk, Labels], Artifact]] = MappingProxyType(
    {
        "transcript.json": transcript_json.write,
        "transcript.txt": transcript_txt.write,
        "transcript.md": transcript_md.write,
        "transcript.html": transcript_html.write,
        "transcript.docx": transcript_docx.write,
        "transcript.rttm": transcript_rttm.write,
        "transcript.stm": transcript_stm.write,
        "transcript.seglst.json": transcript_seglst.write,
    }
)
SUBTITLE_FORMATS: Mapping[str, Callable[[Transcript, Talk, Labels, Layout], Artifact]] = MappingProxyType(
    {
        "transcript.vtt": transcript_vtt.write,
        "transcript.srt": transcript_srt.write,
        "transcript.ttml": transcript_ttml.write,
        "transcript.podcast.json": transcript_podcast.write,
    }
)
RECAP_FORMATS: Mapping[str, Callable[[Recap, Transcript, Talk, Labels, Shape], Artifact]] = MappingProxyType(
    {
        "recap.json": recap_json.write,
        "recap.md": recap_md.write,
        "recap.html": recap_html.write,
        "recap.docx": recap_docx.write,
    }
)
CHAPTER_FORMATS: Mapping[str, Callable[[ChapterMarks], Artifact]] = MappingProxyType(
    {
        "chapters.json": chapters_json.write,
        "chapters.psc.xml": chapters_psc.write,
        "chapters.vtt": chapters_vtt.write,
        "chapters.youtube.txt": chapters_youtube.write,
        "chapters.mp4chaps.txt": chapters_mp4chaps.write,
        "chapters.ffmetadata": chapters_ffmetadata.write,
    }
)

FORMATS = (*TRANSCRIPT_FORMATS, *SUBTITLE_FORMATS, *RECAP_FORMATS, *CHAPTER_FORMATS)
#: Read again by later jobs, so written whatever is wanted.
ALWAYS = frozenset({"transcript.json", "recap.json"})
#: For scoring, and so for those who ask for them.
_ON_REQUEST = frozenset({"transcript.rttm", "transcript.stm", "transcript.seglst.json"})
DEFAULT = tuple(name for name in FORMATS if name not in ALWAYS | _ON_REQUEST)


@dataclass(frozen=True, slots=True)
class Export:
    """Which files are wanted besides `ALWAYS`, and how subtitles are set."""

    #: Names out of `FORMATS`.
    formats: tuple[str, ...] = DEFAULT
    layout: Layout = field(default_factory=Layout)
    #: Name → how a recap may be laid out; none: as a whole.
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    #: The one for talks that don't ask for another.
    shape: str | None = None

    def wants(self, name: str) -> bool:
        """Whether the file of that name is to be written."""
        return name in ALWAYS or name in self.formats


def transcript_files(
    transcript: Transcript, talk: Talk, labels: Labels, export: Export = Export()
) -> tuple[Artifact, ...]:
    """Write a transcript in every format wanted, `transcript.json` first. An empty one gives files that say so."""
    read = (write(transcript, talk, labels) for name, write in TRANSCRIPT_FORMATS.items() if export.wants(name))
    shown = (
        write(transcript, talk, labels, export.layout) for name, write in SUBTITLE_FORMATS.items() if export.wants(name)
    )
    return (*read, *shown)


def recap_files(
    recap: Recap, transcript: Transcript, talk: Talk, labels: Labels, export: Export = Export()
) -> tuple[Artifact, ...]:
    """Write a recap draft in every format wanted, `recap.json` first; all say that a machine made them."""
    named = talk.shape or export.shape
    shape = export.shapes.get(named or "", WHOLE)
    recap = replace(recap, shape=named if named in export.shapes else None)
    writers = [write for name, write in RECAP_FORMATS.items() if export.wants(name)]
    read = [write(recap, transcript, talk, labels, shape) for write in writers]
    chapters = chapter_marks(recap, transcript, talk, labels)
    marked = (write(chapters) for name, write in CHAPTER_FORMATS.items() if export.wants(name))
    return (*read, *marked)


def shaped_files(
    recap: Recap, transcript: Transcript, talk: Talk, labels: Labels, named: tuple[str, Shape]
) -> tuple[Artifact, ...]:
    """Write a recap draft for readers in a shape of a name: "recap.newsletter.md" and so on."""
    name, shape = named
    writers = [write for file, write in RECAP_FORMATS.items() if file not in ALWAYS]
    made = (write(replace(recap, shape=name), transcript, talk, labels, shape) for write in writers)
    return tuple(replace(one, name=f"recap.{name}{one.name.removeprefix('recap')}") for one in made)
