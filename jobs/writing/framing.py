"""Our own words around theirs: who says it, when, and in answer to what. By rule, and never more than is known."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from jobs.german import quoted, time_code
from jobs.names import suggestions
from jobs.programme import Talk
from jobs.recap import Basis, Sentence
from jobs.transcript import Transcript
from jobs.writing.asking import answered, asked_as
from jobs.writing.indirect import reported
from jobs.writing.material import Candidate, Material
from jobs.writing.phrases import AGREES

#: Longer ones are told with a colon: nobody waits so long for the verb.
SAYS_WORDS = range(21)
#: An answer told from its beginning has no more words than this.
MAX_ANSWER_WORDS = 45


@dataclass(frozen=True, slots=True)
class Naming:
    """What a voice is called in a draft."""

    #: "Anna Lindner", "Anna Lindner (?)" where nobody has confirmed it, or "Stimme 2".
    name: str
    #: The last word of the name, for when it was told in full right before.
    short: str
    #: The name without a mark; None where nobody knows it.
    plain: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether the voice has a name, be it a suggested one."""
        return self.plain is not None


def namings(transcript: Transcript, talk: Talk, labels: Mapping[str, str]) -> Mapping[str, Naming]:
    """Speaker label → what to call it: by its name, by one that somebody must confirm, else by its number."""
    suggested = {one.speaker: one.name for one in suggestions(transcript, talk)}
    names = {label: transcript.names.get(label) or suggested.get(label, "") for label in transcript.speakers}
    last = [name.split()[-1] for name in names.values() if name]
    found = {}
    for number, (label, said) in enumerate(names.items(), start=1):
        if not said.strip():
            voice = labels["export.voice"].format(number=number)
            found[label] = Naming(voice, voice)
            continue
        name = " ".join(said.split())
        alone = len(name.split()) == 1 or name.startswith(("Herr ", "Frau ")) or last.count(name.split()[-1]) > 1
        short = name if alone else name.split()[-1]
        mark = "{name}" if label in transcript.names else labels["recap.unconfirmed"]
        found[label] = Naming(mark.format(name=name), mark.format(name=short), name)
    return found


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the sentences of a chapter."""

    title: str
    #: Ids of the utterances that the title was taken from.
    evidence: tuple[str, ...]
    #: Sentences that stand elsewhere, by index.
    taken: AbstractSet[int]

    def asks(self, evidence: tuple[str, ...]) -> bool:
        """Whether it asks the question of that evidence."""
        return self.title.endswith("?") and self.evidence == evidence


@dataclass(frozen=True, slots=True)
class Framing:
    """What frames are made with."""

    material: Material
    namings: Mapping[str, Naming]
    labels: Mapping[str, str]
    #: Language of the recording, for sentences whose own is unknown.
    language: str

    def says(self, index: int, earlier: int | None = None) -> Sentence:
        """A statement and who makes it, by surname after another of theirs; in indirect speech where that is safe."""
        c = self.material.candidates[index]
        words = reported(c.statement) or quoted(c.statement.text.removesuffix("."))
        again = earlier is not None and self.material.candidates[earlier].spoken.speaker == c.spoken.speaker
        return self._framed("says", c, words=words, again=again)

    def theses(self, indices: Sequence[int]) -> tuple[Sentence, ...]:
        """Statements one after the other."""
        return tuple(self.says(index, earlier) for index, earlier in zip(indices, (None, *indices), strict=False))

    def opens(self, index: int) -> Sentence:
        """What is said at the beginning about the whole talk."""
        c = self.material.candidates[index]
        return self._framed("opens", c, words=quoted(c.statement.text))

    def chapter(self, key: Sequence[int], heading: Heading) -> tuple[Sentence, ...]:
        """The key sentences of a chapter (indices, ascending), with who says them and in answer to what."""
        before = (None, *key)
        return tuple(self._told(index, earlier, heading) for index, earlier in zip(key, before, strict=False))

    def above(self, speaker: str | None, evidence: tuple[str, ...]) -> Sentence:
        """That the quote to be read here stands above."""
        name = self._naming(speaker).name
        return Sentence(self.labels["recap.above"].format(name=name), evidence, Basis.FRAME)

    def _told(self, index: int, earlier: int | None, heading: Heading) -> Sentence:
        """A sentence that stands behind another one of its chapter, or first."""
        c = self.material.candidates[index]
        asked = answered(self.material, index, heading.taken)
        question = None if asked is None else asked_as(self.material, asked)
        by_heading = asked is not None and heading.asks(self.material.candidates[asked].spoken.evidence)
        if asked is not None and (question is not None or by_heading) and earlier != index - 1:
            return self._answer(index, asked, quoted("" if question is None else question.text), heading)
        same = earlier is not None and self.material.candidates[earlier].spoken.speaker == c.spoken.speaker
        if same and self._naming(c.spoken.speaker).is_known and len(self.namings) > 1:
            return self._framed("goes_on", c, words=quoted(c.statement.text), again=True)
        if len(self.namings) < 2 and reported(c.statement) is None:
            # Whoever speaks alone is named in the lead.
            return self._framed("said", c, words=quoted(c.statement.text))
        if len(c.statement.kinds) in SAYS_WORDS or reported(c.statement) is not None:
            return self.says(index)
        return self._framed("at", c, words=quoted(c.statement.text))

    def _answer(self, index: int, asked: int, question: str, heading: Heading) -> Sentence:
        """An answer from its beginning, and what was asked, unless the heading asks it already."""
        c, one = self.material.candidates[index], self.material.candidates[index - 1]
        words, evidence = c.reading.text, c.spoken.evidence
        begins = one.index == asked or AGREES.match(one.reading.text) is not None
        if not begins and len(one.spoken.words) + len(c.spoken.words) <= MAX_ANSWER_WORDS:
            words, evidence = f"{one.reading.text} {words}", (*one.spoken.evidence, *evidence)
        more = self.material.candidates[asked].spoken.evidence
        if heading.asks(more):
            return self._framed("answers", c, words=quoted(words), more=evidence)
        return self._framed("asked", c, words=quoted(words), question=question, more=(*more, *evidence))

    def _naming(self, speaker: str | None) -> Naming:
        unknown = Naming(self.labels["recap.unnamed"], self.labels["recap.unnamed"])
        return self.namings.get(speaker or "", unknown)

    def _framed(  # noqa: PLR0913  # a frame's gaps
        self, frame: str, candidate: Candidate, *, words: str, question: str = "", more: tuple[str, ...] = (),
        again: bool = False,
    ) -> Sentence:  # fmt: skip
        """Fill a frame; `again` names the speaker by surname, `more` is evidence besides the candidate's own."""
        spoken, naming = candidate.spoken, self._naming(candidate.spoken.speaker)
        # Where a single voice speaks and nobody knows whose, there is nobody to be named.
        impersonal = not naming.is_known and len(self.namings) < 2 and frame != "said"
        template = self.labels[f"recap.{frame}_impersonal" if impersonal else f"recap.{frame}"]
        name = naming.short if again else naming.name
        text = template.format(words=words, name=name, time=time_code(spoken.span.start), question=question)
        language = self.language if spoken.language == "und" else spoken.language
        evidence = tuple(dict.fromkeys((*more, *spoken.evidence)))
        return Sentence(text[:1].upper() + text[1:], evidence, Basis.ATTRIBUTED, language)
