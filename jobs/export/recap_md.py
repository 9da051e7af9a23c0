"""`recap.md`: the recap draft for editors' tools that read Markdown (CommonMark)."""

from collections.abc import Iterator

from jobs.artifacts import Artifact
from jobs.export.labels import Labels
from jobs.export.matter import head
from jobs.export.readable import markdown
from jobs.export.recap_view import ChapterView, Claim, QuoteView, RecapView, view_recap
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.transcript import Transcript


def write(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels) -> Artifact:
    """Write the draft; after every sentence stand the times it rests on, linked to the transcript."""
    view = view_recap(recap, transcript, talk, labels)
    blocks = [*head(view.heading, labels), *_body(view, labels)]
    if view.heading.made:
        blocks += ["---", f"*{markdown(view.heading.made)}*"]
    return Artifact("recap.md", "text/markdown; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def _body(view: RecapView, labels: Labels) -> Iterator[str]:
    if view.headline is not None:
        yield f"**{markdown(labels['export.headline'])}:** {_claim(view.headline, labels)}"
    if view.lead:
        yield f"## {markdown(labels['export.lead'])}"
        yield from (_claim(claim, labels) for claim in view.lead)
    if view.quotes:
        yield f"## {markdown(labels['export.quotes'])}"
        yield from (_quote(quote, labels) for quote in view.quotes)
    if view.chapters:
        yield f"## {markdown(labels['export.chapters'])}"
        for chapter in view.chapters:
            yield from _chapter(chapter, labels)
    if view.questions:
        yield f"## {markdown(labels['export.questions'])}"
        yield "\n".join(f"- {_claim(claim, labels)}" for claim in view.questions)


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
