"""One module a format: each turns a transcript or a recap into the bytes of one file.

Exporters are pure: the words a German reader sees come in as `Labels`. A new format is a new module and a line in
one of the two registries below.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from jobs.artifacts import Artifact
from jobs.export import (
    chapters_json,
    recap_html,
    recap_json,
    recap_md,
    transcript_html,
    transcript_json,
    transcript_md,
    transcript_srt,
    transcript_txt,
    transcript_vtt,
)
from jobs.export.labels import Labels
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.transcript import Transcript

__all__ = ["RECAP_FORMATS", "TRANSCRIPT_FORMATS", "Labels", "recap_files", "transcript_files"]

#: File name → what writes it.
TRANSCRIPT_FORMATS: Mapping[str, Callable[[Transcript, Talk, Labels], Artifact]] = MappingProxyType(
    {
        "transcript.json": transcript_json.write,
        "transcript.vtt": transcript_vtt.write,
        "transcript.srt": transcript_srt.write,
        "transcript.txt": transcript_txt.write,
        "transcript.md": transcript_md.write,
        "transcript.html": transcript_html.write,
    }
)
RECAP_FORMATS: Mapping[str, Callable[[Recap, Transcript, Talk, Labels], Artifact]] = MappingProxyType(
    {
        "recap.json": recap_json.write,
        "recap.md": recap_md.write,
        "recap.html": recap_html.write,
        "chapters.json": chapters_json.write,
    }
)


def transcript_files(transcript: Transcript, talk: Talk, labels: Labels) -> tuple[Artifact, ...]:
    """Write a transcript in every format, `transcript.json` first. An empty one gives files that say so."""
    return tuple(write(transcript, talk, labels) for write in TRANSCRIPT_FORMATS.values())


def recap_files(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels) -> tuple[Artifact, ...]:
    """Write a recap draft in every format, `recap.json` first; all say that a machine made them."""
    return tuple(write(recap, transcript, talk, labels) for write in RECAP_FORMATS.values())
