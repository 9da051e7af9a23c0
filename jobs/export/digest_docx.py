"""`digest.docx`: the look back over many talks to be worked on in Word; what frames rest on stands in comments."""

from docx.document import Document as WordDocument

from jobs.artifacts import Artifact
from jobs.export.digest_view import DigestView, FrameView, Group, SaidView, TalkView
from jobs.export.labels import Labels
from jobs.export.word_document import MEDIA_TYPE, TIME, begin, pack, paragraph, remark, say


def write(view: DigestView, labels: Labels) -> Artifact:
    """Write the document."""
    document = begin(view.heading, labels, labels["digest.kind"])
    _Draft(document, labels).body(view)
    return Artifact("digest.docx", MEDIA_TYPE, pack(document, view.heading))


class _Draft:
    """A document that is being filled."""

    def __init__(self, document: WordDocument, labels: Labels) -> None:
        self._document = document
        self._labels = labels

    def body(self, view: DigestView) -> None:
        if view.lead:
            self._heading(self._labels["export.lead"])
            for frame in view.lead:
                self._frame(frame, "Normal")
        self._groups("themes", view.themes)
        self._groups("comparisons", view.comparisons)
        if view.quotes:
            self._section("quotes")
            for said in view.quotes:
                self._said(said)
        self._section("talks")
        for talk in view.talks:
            self._talk(talk)
        if view.has_questions:
            self._section("questions")
            for talk in view.talks:
                for question in talk.questions:
                    say(paragraph(self._document, "List Bullet"), f"{talk.title}: {question}")
        self._section("sources")
        for talk in view.talks:
            say(paragraph(self._document, "List Bullet"), talk.source)

    def _heading(self, text: str) -> None:
        say(paragraph(self._document, "Heading 1"), text)

    def _section(self, name: str) -> None:
        self._heading(self._labels[f"digest.section_{name}"])

    def _groups(self, name: str, groups: tuple[Group, ...]) -> None:
        if groups:
            self._section(name)
        for group in groups:
            self._frame(group.title, "Heading 2")
            for said in group.said:
                self._said(said)

    def _frame(self, frame: FrameView, style: str) -> None:
        target = paragraph(self._document, style)
        run = say(target, frame.text, language=frame.language)
        label = self._labels["export.evidence"]
        proof = "\n".join(f"{label}: {one.talk}, {one.time}" for one in frame.evidence)
        remark(self._document, run, proof)

    def _said(self, said: SaidView) -> None:
        target = paragraph(self._document, "Quote")
        say(target, said.text, language=said.language)
        if said.translation is not None:
            target.add_run().add_break()
            say(target, f"{self._labels['export.translation']}: {said.translation}")
        elif said.language is not None:
            say(target, f" [{self._labels['draft.translation_needed']} ({said.language})]", style="Strong")
        target.add_run().add_break()
        say(target, f"— {said.voice}, {said.at.talk}, ")
        say(target, said.at.time, style=TIME)
        if said.approved is not None:
            say(target, f", {said.approved}")

    def _talk(self, talk: TalkView) -> None:
        target = paragraph(self._document, "List Bullet")
        say(target, talk.title, style="Strong")
        if talk.headline is not None:
            say(target, f": {talk.headline}", language=talk.language)
        say(target, f" ({talk.facts})", style=TIME)
