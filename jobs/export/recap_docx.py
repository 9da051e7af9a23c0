"""`recap.docx`: the recap draft to be worked on in Word; what each sentence rests on stands in a comment beside it."""

from collections.abc import Callable
from typing import TypeVar

from docx.document import Document as WordDocument
from docx.text.paragraph import Paragraph

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.recap_view import LISTS, ChapterView, Claim, QuoteView, RecapView, view_recap
from jobs.export.said import plainly
from jobs.export.word_document import MEDIA_TYPE, PROGRAM, TIME, begin, pack, paragraph, say
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.shapes import WHOLE, Section, Shape
from jobs.transcript import Transcript

T = TypeVar("T")


def write(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels, shape: Shape = WHOLE) -> Artifact:
    """Write the document, in a shape."""
    view = view_recap(recap, transcript, talk, labels, shape)
    document = begin(view.heading, labels, labels["export.recap"])
    _Draft(document, labels).body(view)
    return Artifact("recap.docx", MEDIA_TYPE, pack(document, view.heading))


class _Draft:
    """A document that is being filled."""

    def __init__(self, document: WordDocument, labels: Labels) -> None:
        self._document = document
        self._labels = labels

    def body(self, view: RecapView) -> None:
        for section in view.sections:
            if section is Section.HEADLINE:
                self._claims(section, () if view.headline is None else (view.headline,))
            elif section is Section.QUOTES:
                self._section(section, view.quotes, self._quote)
            elif section is Section.CHAPTERS:
                self._section(section, view.chapters, self._chapter)
            else:
                self._claims(section, view.claims(section))

    def _claims(self, section: Section, claims: tuple[Claim, ...]) -> None:
        style = "List Bullet" if section in LISTS else "Normal"
        self._section(section, claims, lambda claim: self._claim(claim, style))

    def _section(self, section: Section, entries: tuple[T, ...], write: Callable[[T], None]) -> None:
        if entries:
            say(paragraph(self._document, "Heading 1"), self._labels[f"export.{section}"])
        for entry in entries:
            write(entry)

    def _claim(self, claim: Claim, style: str) -> None:
        target = paragraph(self._document, style)
        self._words(target, claim)
        if claim.evidence:
            times = ", ".join(one.said.time for one in claim.evidence)
            say(target, f" ({times})", style=TIME)

    def _quote(self, quote: QuoteView) -> None:
        target = paragraph(self._document, "Quote")
        self._words(target, quote.claim, translated=quote.translation is not None)
        if quote.translation is not None:
            target.add_run().add_break()
            say(target, f"{self._labels['export.translation']}: {quote.translation}")
        target.add_run().add_break()
        say(target, f"— {quote.voice}, ")
        say(target, quote.time, style=TIME)

    def _chapter(self, chapter: ChapterView) -> None:
        target = paragraph(self._document, "Heading 2")
        say(target, f"{chapter.time} ")
        self._words(target, chapter.title)
        for claim in chapter.sentences:
            self._claim(claim, "List Bullet")

    def _words(self, target: Paragraph, claim: Claim, *, translated: bool = False) -> None:
        """Write a sentence, what is to be done about it, and its proof as a comment."""
        run = say(target, claim.text, language=claim.language)
        if claim.language is not None and not translated:
            say(target, f" [{self._labels['draft.translation_needed']} ({claim.language})]", style="Strong")
        for line in claim.warnings:
            say(target, f" {line}", style="Strong")
        proof = self._proof(claim)
        if proof:
            self._document.add_comment(run, "\n".join(proof), author=PROGRAM, initials=PROGRAM[0])

    def _proof(self, claim: Claim) -> tuple[str, ...]:
        label, labels = self._labels["export.evidence"], self._labels
        spoken = (f"{label} {one.said.time}, {one.voice}: {plainly(one.said, labels)}" for one in claim.evidence)
        return (*claim.warnings, *spoken)
