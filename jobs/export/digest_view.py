"""A digest laid out for reading, every sentence with talk, voice, time and link: the same in every format."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from urllib.parse import quote as encoded

from jobs.artifacts import folder_of, signed_name
from jobs.digest import Absence, Comparison, Contribution, Digest, Entry, Frame, Said, Theme
from jobs.export.heading import Heading, made_with
from jobs.export.labels import Labels, sentence
from jobs.export.origin import digital_source_type
from jobs.export.readable import clean, shorten
from jobs.export.said import anchor, foreign
from jobs.export.voices import MAX_NAME_LENGTH
from jobs.german import counted, enumeration, printed_date, quoted, time_code
from jobs.recap import Approval
from jobs.timeline import Seconds
from jobs.writing.framing import namings

#: The files that links lead to, in the folder of a talk.
TRANSCRIPT_PAGE, RECAP_PAGE = "transcript.html", "recap.html"


@dataclass(frozen=True, slots=True)
class Reference:
    """Where something was said."""

    talk: str
    time: str
    link: str


@dataclass(frozen=True, slots=True)
class FrameView:
    """A sentence or a title made by rule, and what it rests on."""

    text: str
    #: ISO 639-1 where it isn't German; None where it is.
    language: str | None
    evidence: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class SaidView:
    """Somebody's words, already in quotation marks."""

    text: str
    language: str | None
    #: Marked as such wherever it is shown; in quotation marks.
    translation: str | None
    voice: str
    at: Reference
    #: Who has approved it with its talk's recap; None where nobody has.
    approved: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """A theme or a comparison."""

    title: FrameView
    said: tuple[SaidView, ...]


@dataclass(frozen=True, slots=True)
class TalkView:
    """One talk's line, and what is to be settled about it."""

    title: str
    #: When and where it was held, how long it is and who is heard.
    facts: str
    headline: str | None
    language: str | None
    #: None where there is no recap yet, neither draft nor approved text; `recap_name` says which it is.
    recap: str | None
    recap_name: str
    transcript: str
    questions: tuple[str, ...]
    #: Which versions of its files were read.
    source: str


@dataclass(frozen=True, slots=True)
class DigestView:
    """A digest as it is read. What is empty is not to be shown."""

    heading: Heading
    lead: tuple[FrameView, ...]
    themes: tuple[Group, ...]
    comparisons: tuple[Group, ...]
    quotes: tuple[SaidView, ...]
    talks: tuple[TalkView, ...]

    @property
    def has_questions(self) -> bool:
        """Whether any talk leaves something to be settled."""
        return any(talk.questions for talk in self.talks)


def view_digest(
    digest: Digest, contributions: Sequence[Contribution], labels: Labels, *, flat: bool = False
) -> DigestView:
    """Lay a digest out for reading.

    Args:
        digest: what is shown.
        contributions: the talks that it was made of.
        labels: German words.
        flat: whether the talks' folders lie beside the digest's, as `nachlese pull` puts them; else as in the bucket.
    """
    layout = _Layout(digest, {one.transcript.recording_id: one for one in contributions}, labels, flat=flat)
    return DigestView(
        heading=_heading(digest, labels),
        lead=tuple(map(layout.frame, digest.lead)),
        themes=tuple(map(layout.theme, digest.themes)),
        comparisons=tuple(map(layout.comparison, digest.comparisons)),
        quotes=tuple(map(layout.said, digest.quotes)),
        talks=tuple(map(layout.talk, digest.talks)),
    )


def _heading(digest: Digest, labels: Labels) -> Heading:
    provenance = (digest.provenance,)
    return Heading(
        title=clean(digest.headline.text),
        label=labels["draft.label"],
        origin=digital_source_type(digest),
        notices=tuple(clean(notice) for notice in _notices(digest, labels)),
        duration=time_code(sum(talk.duration_s for talk in digest.talks)),
        voices=(),
        made=made_with(provenance, labels),
        made_at=digest.provenance.created_at,
    )


def _notices(digest: Digest, labels: Labels) -> Iterator[str]:
    """What isn't in it, and what must be handled with care."""
    for why in Absence:
        names = [one.title or _name(one.key) for one in digest.missing if one.why is why]
        if names:
            yield labels[f"digest.{why.value}"].format(talks=enumeration([quoted(name) for name in names]))
    if digest.withheld == 1:
        yield labels["digest.withheld_one"]
    elif digest.withheld:
        count = counted(digest.withheld, "", labels["digest.withheld_talks"])
        yield labels["digest.withheld"].format(count=count[:1].upper() + count[1:])
    sensitive = [quoted(talk.title or _name(talk.key)) for talk in digest.talks if talk.sensitive]
    if sensitive:
        yield labels["digest.with_sensitive"].format(talks=enumeration(sensitive))
    if digest.comparisons:
        yield labels["digest.check"]


class _Layout:
    """The talks that a digest is shown against."""

    def __init__(
        self, digest: Digest, contributions: Mapping[str, Contribution], labels: Labels, *, flat: bool
    ) -> None:
        self._contributions = contributions
        self._labels = labels
        self._titles = {talk.recording_id: clean(talk.title or "") or _name(talk.key) for talk in digest.talks}
        self._folders = {talk.recording_id: _folder(talk.key, digest.prefix, flat=flat) for talk in digest.talks}
        self._voices = {key: namings(one.transcript, one.talk, labels) for key, one in contributions.items()}

    def frame(self, frame: Frame) -> FrameView:
        evidence = tuple(
            self._reference(
                one.recording_id,
                self._contributions[one.recording_id].transcript.utterance(one.utterances[0]).span.start,
            )
            for one in frame.evidence
        )
        return FrameView(clean(frame.text), foreign(frame.language), evidence)

    def theme(self, theme: Theme) -> Group:
        return Group(self.frame(theme.title), tuple(map(self.said, theme.said)))

    def comparison(self, comparison: Comparison) -> Group:
        title = self.frame(comparison.title)
        told = self._labels[f"digest.{comparison.stand.value}"].format(title=title.text)
        return Group(FrameView(told, None, title.evidence), tuple(map(self.said, comparison.said)))

    def said(self, said: Said) -> SaidView:
        spoken = said.quote
        translation = clean(spoken.translation or "")
        return SaidView(
            text=quoted(clean(spoken.text)),
            language=foreign(spoken.language),
            translation=quoted(translation) if translation else None,
            voice=self._voice(said.recording_id, spoken.speaker),
            at=self._reference(said.recording_id, spoken.span.start),
            approved=self._approved(said),
        )

    def _approved(self, said: Said) -> str | None:
        recap = self._contributions[said.recording_id].recap
        chosen = recap is not None and said.quote in recap.quotes
        return _told(recap.approval, self._labels) if recap is not None and recap.approval and chosen else None

    def talk(self, talk: Entry) -> TalkView:
        labels, headline = self._labels, talk.headline
        source, number = talk.source, talk.source.transcript_version
        version = labels["digest.corrected"].format(version=number) if number else labels["digest.machine"]
        when = [f"{talk.day.day}.{talk.day.month}.{talk.day.year}"] if talk.day else []
        when += [f"{talk.begins:%H:%M}"] if talk.begins else []
        length = f"{labels['export.duration']} {time_code(talk.duration_s)}"
        approval = source.approval
        approved = _told(approval, labels) if approval else ""
        page = signed_name(approval.number, RECAP_PAGE) if approval else RECAP_PAGE
        facts = (*when, talk.stage or "", length, *talk.speakers, approved)
        return TalkView(
            title=self._titles[talk.recording_id],
            facts=" · ".join(clean(fact) for fact in facts if fact),
            headline=None if headline is None else clean(headline.text),
            language=None if headline is None else foreign(headline.language),
            recap=self._folders[talk.recording_id] + page if source.recap_sha256 else None,
            recap_name=labels["digest.approved_recap" if approval else "digest.recap"],
            transcript=self._folders[talk.recording_id] + TRANSCRIPT_PAGE,
            questions=tuple(clean(sentence(labels, "question", one.code, one.fields)) for one in talk.open_questions),
            source=labels["digest.source_approved" if approval else "digest.source"].format(
                number=approval.number if approval else 0,
                talk=self._titles[talk.recording_id],
                version=version,
                transcript=source.transcript_sha256,
                recap=source.recap_sha256 or labels["digest.no_recap"],
            ),
        )

    def _voice(self, recording_id: str, speaker: str | None) -> str:
        naming = self._voices[recording_id].get(speaker or "")
        return self._labels["export.voice_unknown"] if naming is None else shorten(clean(naming.name), MAX_NAME_LENGTH)

    def _reference(self, recording_id: str, start: Seconds) -> Reference:
        link = f"{self._folders[recording_id]}{TRANSCRIPT_PAGE}#{anchor(start)}"
        return Reference(self._titles[recording_id], time_code(start), link)


def _told(approval: Approval, labels: Labels) -> str:
    return labels["digest.approved"].format(
        by=clean(approval.by), date=printed_date(approval.at.astimezone(UTC).date())
    )


def _folder(key: str, prefix: str, *, flat: bool) -> str:
    """The way from the digest's folder to a talk's, fit for a link; ends in "/".

    Examples:
        >>> _folder("day 1/main/a.mp3", "day 1/", flat=False), _folder("day 1/main/a.mp3", "day 1/", flat=True)
        ('../main/a.mp3.nachlese/', '../a.mp3.nachlese/')
    """
    folder = folder_of(key)
    way = folder.rstrip("/").rpartition("/")[2] + "/" if flat else folder.removeprefix(prefix)
    return f"../{encoded(way)}"


def _name(key: str) -> str:
    return clean(key.rpartition("/")[2])
