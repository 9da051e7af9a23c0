"""Whether a digest is borne out by its talks: each part is held against the transcript that it names.

Words, speakers and times are checked as those of a recap are (`jobs.proof.evidence`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from jobs.digest import Comparison, Contribution, Digest, Entry, Frame, Passage, Said, Theme
from jobs.proof.checks import Verdict
from jobs.proof.claims import check_quantities
from jobs.proof.content import stems
from jobs.proof.evidence import Part, verify
from jobs.proof.quantities import Quantity, quantities
from jobs.proof.record import Record
from jobs.recap import Question, Recap, Sentence
from jobs.recording import Provenance
from jobs.transcript import Utterance


def borne_out(digest: Digest, contributions: Sequence[Contribution]) -> Digest:
    """The digest without the parts that fail.

    - Quotes stand in their talk's transcript word for word, by that speaker, at that time, and nobody doubts them.
    - A theme is spoken of in two talks at least, a comparison holds two talks.
    - A title's words stand in its evidence; other frames hold no number that the talks don't give.
    - A talk's headline passes the checks of its recap.
    """
    court = _Court(digest, contributions)
    return replace(
        digest,
        lead=tuple(frame for frame in digest.lead if court.allows_frame(frame)),
        themes=tuple(theme for one in digest.themes if (theme := court.theme(one)) is not None),
        comparisons=tuple(one for one in digest.comparisons if court.allows_comparison(one)),
        quotes=tuple(one for one in digest.quotes if court.allows(one)),
        talks=tuple(map(court.entry, digest.talks)),
    )


class _Court:
    """All that a digest says, held against its talks."""

    def __init__(self, digest: Digest, contributions: Sequence[Contribution]) -> None:
        self._utterances = {
            one.transcript.recording_id: {u.id: u for u in one.transcript.utterances} for one in contributions
        }
        self._facts = _facts(digest, contributions)
        said = [
            *digest.quotes,
            *(one for theme in digest.themes for one in theme.said),
            *(one for comparison in digest.comparisons for one in comparison.said),
        ]
        entries = {entry.recording_id: entry for entry in digest.talks}
        #: Recording id → what of the digest it doesn't bear out.
        self._failed = {
            (key := one.transcript.recording_id): _unproven(one, entries.get(key), said, digest.provenance)
            for one in contributions
        }

    def allows(self, said: Said) -> bool:
        return said.quote not in self._failed.get(said.recording_id, (said.quote,))

    def theme(self, theme: Theme) -> Theme | None:
        """What is left of it; None where that is of one talk, or its title can't stand."""
        said = tuple(one for one in theme.said if self.allows(one))
        talks = {one.recording_id for one in said}
        return replace(theme, said=said) if len(talks) > 1 and self._allows_title(theme.title) else None

    def allows_comparison(self, comparison: Comparison) -> bool:
        one, other = comparison.said
        apart = one.recording_id != other.recording_id
        return apart and self.allows(one) and self.allows(other) and self._allows_title(comparison.title)

    def entry(self, entry: Entry) -> Entry:
        """A talk without the headline and the questions that its transcript doesn't bear out."""
        failed = self._failed.get(entry.recording_id, (entry.headline, *entry.open_questions))
        questions = tuple(one for one in entry.open_questions if one not in failed)
        return replace(entry, headline=None if entry.headline in failed else entry.headline, open_questions=questions)

    def allows_frame(self, frame: Frame) -> bool:
        return self._sound(frame.evidence) is not None and not any(check_quantities(frame.text, self._facts))

    def _allows_title(self, title: Frame) -> bool:
        evidence = self._sound(title.evidence)
        return evidence is not None and stems([title.text]) <= stems(u.text for u in evidence)

    def _sound(self, passages: Iterable[Passage]) -> tuple[Utterance, ...] | None:
        """The utterances of some passages; None where one isn't there or somebody doubts it."""
        found = []
        for passage in passages:
            known = self._utterances.get(passage.recording_id, {})
            found += [known.get(one) for one in passage.utterances]
        sound = tuple(one for one in found if one is not None and one.doubt is None)
        return sound if sound and len(sound) == len(found) else None


def _unproven(one: Contribution, entry: Entry | None, said: Sequence[Said], provenance: Provenance) -> tuple[Part, ...]:
    """What of a digest a talk doesn't bear out."""
    quotes = tuple(each.quote for each in said if each.recording_id == one.transcript.recording_id)
    headline: Sentence | None = None if entry is None else entry.headline
    questions: tuple[Question, ...] = () if entry is None else entry.open_questions
    told = Recap(one.transcript.recording_id, headline, (), quotes, (), questions, provenance)
    return tuple(one.part for one in verify(told, one.transcript, one.talk) if one.verdict is Verdict.FAIL)


def _facts(digest: Digest, contributions: Sequence[Contribution]) -> tuple[Quantity, ...]:
    """The numbers that frames may hold: counts of talks, days, those within names, stages and titles."""
    days = [one.talk.day for one in contributions if one.talk.day is not None]
    given = [
        *(f"{count} Talks" for count in range(len(contributions) + 1)),
        *(f"{day.day}.{day.month}.{day.year}" for day in days),
        *(one.talk.stage or "" for one in contributions),
        *(person.name for one in contributions for person in Record(one.transcript, one.talk).people),
        *(theme.title.text for theme in digest.themes),
    ]
    return tuple(one for text in dict.fromkeys(given) for one in quantities(text, spoken=True))
