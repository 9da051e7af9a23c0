"""`recap.docx`: the recap draft to be worked on in Word; what each sentence rests on stands in a comment beside it."""

from docx.document import Document as WordDocument
from docx.text.paragraph import Paragraph

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.recap_view import ChapterView, Claim, QuoteView, RecapView, view_recap
from jobs.export.said import plainly
from jobs.export.word_document import MEDIA_TYPE, PROGRAM, TIME, begin, pack, paragraph, say
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.transcript import Transcript


def write(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels) -> Artifact:
    """Write the document."""
    view = view_recap(recap, transcript, talk, labels)
    document = begin(view.heading, labels, labels["export.recap"])
    _Draft(document, labels).body(view)
    return Artifact("recap.docx", MEDIA_TYPE, pack(document, view.heading))


class _Draft:
    """A document that is being filled."""

    def __init__(self, document: WordDocument, labels: Labels) -> None:
        self._document = document
        self._labels = labels

    def body(self, view: RecapView) -> None:
        if view.headline is not None:
            self._section("headline")
            self._claim(view.headline, "Normal")
        self._claims("lead", view.lead, "Normal")
        if view.quotes:
            self._section("quotes")
            for quote in view.quotes:
                self._quote(quote)
        if view.chapters:
            self._section("chapters")
            for chapter in view.chapters:
                self._chapter(chapter)
        self._claims("questions", view.questions, "List Bullet")

    def _section(self, name: str) -> None:
        say(paragraph(self._document, "Heading 1"), self._labels[f"export.{name}"])

    def _claims(self, section: str, claims: tuple[Claim, ...], style: str) -> None:
        if claims:
            self._section(section)
        for claim in claims:
            self._claim(claim, style)

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
