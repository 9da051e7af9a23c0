"""`recap.md`: the recap draft for editors' tools that read Markdown (CommonMark)."""

from collections.abc import Iterator

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.matter import head
from jobs.export.readable import markdown
from jobs.export.recap_view import LISTS, ChapterView, Claim, QuoteView, RecapView, view_recap
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.shapes import WHOLE, Section, Shape
from jobs.transcript import Transcript


def write(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels, shape: Shape = WHOLE) -> Artifact:
    """Write the draft in a shape; after every sentence stand the times it rests on, linked to the transcript."""
    view = view_recap(recap, transcript, talk, labels, shape)
    blocks = [*head(view.heading, labels), *_body(view, labels)]
    if view.heading.made:
        blocks += ["---", f"*{markdown(view.heading.made)}*"]
    return Artifact("recap.md", "text/markdown; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def _body(view: RecapView, labels: Labels) -> Iterator[str]:
    for section in view.sections:
        blocks = list(_section(section, view, labels))
        if blocks and section is not Section.HEADLINE:
            yield f"## {markdown(labels[f'export.{section}'])}"
        yield from blocks


def _section(section: Section, view: RecapView, labels: Labels) -> Iterator[str]:
    if section is Section.HEADLINE:
        if view.headline is not None:
            yield f"**{markdown(labels['export.headline'])}:** {_claim(view.headline, labels)}"
    elif section is Section.QUOTES:
        yield from (_quote(quote, labels) for quote in view.quotes)
    elif section is Section.CHAPTERS:
        for chapter in view.chapters:
            yield from _chapter(chapter, labels)
    elif section in LISTS:
        if view.claims(section):
            yield "\n".join(f"- {_claim(claim, labels)}" for claim in view.claims(section))
    else:
        yield from (_claim(claim, labels) for claim in view.claims(section))


def _claim(claim: Claim, labels: Labels) -> str:
    links = ", ".join(f"[{evidence.said.time}]({evidence.link})" for evidence in claim.evidence)
    parts = (
        _marked(claim, labels),
        f"({links})" if links else "",
        *(f"**{markdown(line)}**" for line in claim.warnings),
    )
    return " ".join(part for part in parts if part)


def _marked(claim: Claim, labels: Labels) -> str:
    if claim.language is None:
        return markdown(claim.text)
    needed = f"{labels['draft.translation_needed']} ({claim.language})"
    return f"{markdown(claim.text)} **\\[{markdown(needed)}\\]**"


def _quote(quote: QuoteView, labels: Labels) -> str:
    if quote.translation is None:
        lines = [_marked(quote.claim, labels)]
    else:
        translation = f"{markdown(labels['export.translation'])}: {markdown(quote.translation)}"
        lines = [markdown(quote.claim.text), translation]
    lines.append(f"— {markdown(quote.voice)}, [{quote.time}]({quote.link})")
    lines += [f"**{markdown(line)}**" for line in quote.claim.warnings]
    return "\n>\n".join(f"> {line}" for line in lines)


def _chapter(chapter: ChapterView, labels: Labels) -> Iterator[str]:
    yield f"### [{chapter.time}]({chapter.link}) {_marked(chapter.title, labels)}"
    if chapter.sentences:
        yield "\n".join(f"- {_claim(claim, labels)}" for claim in chapter.sentences)
