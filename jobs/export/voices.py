"""What a reader calls the voices of a recording."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.export.labels import Labels
from jobs.export.readable import clean, shorten
from jobs.transcript import Transcript

#: Longer names are a mistake or mischief; they would push the speech off the page.
MAX_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Voices:
    """Speaker labels and the names to show for them; names are cleaned and never empty."""

    names: Mapping[str, str]
    #: Shown where nobody could be told.
    unknown: str

    def name(self, speaker: str | None) -> str:
        """The name to show for a speaker label."""
        return self.unknown if speaker is None else self.names.get(speaker, self.unknown)


def voices_of(transcript: Transcript, labels: Labels) -> Voices:
    """Name every voice: by `Transcript.names`, else "Stimme 1", "Stimme 2", … in order of first appearance.

    Known voices count too, so that "Stimme 3" stays "Stimme 3" when an editor names the other two.
    """
    names: dict[str, str] = {}
    for number, speaker in enumerate(transcript.speakers, start=1):
        known = shorten(clean(transcript.names.get(speaker, "")), MAX_NAME_LENGTH)
        names[speaker] = known or labels["export.voice"].format(number=number)
    return Voices(names, labels["export.voice_unknown"])
