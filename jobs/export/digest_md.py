"""`digest.md`: the look back over many talks for editors' tools that read Markdown (CommonMark)."""

from collections.abc import Iterator

from jobs.artifacts import Artifact
from jobs.export.digest_view import DigestView, FrameView, Group, SaidView, TalkView
from jobs.export.labels import Labels
from jobs.export.matter import head
from jobs.export.readable import markdown

#: A sentence about all talks rests on all of them; more links than this hide it. The page shows them all.
MOST_LINKS = 4


def write(view: DigestView, labels: Labels) -> Artifact:
    """Write the draft; after every quote stand its voice, its talk and the time, linked to the transcript."""
    blocks = [*head(view.heading, labels), *_body(view, labels)]
    if view.heading.made:
        blocks += ["---", f"*{markdown(view.heading.made)}*"]
    return Artifact("digest.md", "text/markdown; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def _body(view: DigestView, labels: Labels) -> Iterator[str]:
    if view.lead:
        yield f"## {markdown(labels['export.lead'])}"
        yield from map(_frame, view.lead)
    for name, groups in (("themes", view.themes), ("comparisons", view.comparisons)):
        if groups:
            yield _section(name, labels)
            for group in groups:
                yield from _group(group, labels)
    if view.quotes:
        yield _section("quotes", labels)
        yield from (_said(said, labels) for said in view.quotes)
    yield _section("talks", labels)
    yield "\n".join(_talk(talk, labels) for talk in view.talks)
    if view.has_questions:
        yield _section("questions", labels)
        for talk in view.talks:
            if talk.questions:
                yield f"**{markdown(talk.title)}**"
                yield "\n".join(f"- {markdown(question)}" for question in talk.questions)
    yield _section("sources", labels)
    yield "\n".join(f"- {markdown(talk.source)}" for talk in view.talks)


def _section(name: str, labels: Labels) -> str:
    return f"## {markdown(labels[f'digest.section_{name}'])}"


def _frame(frame: FrameView) -> str:
    links = [f"[{markdown(one.talk)} {one.time}]({one.link})" for one in frame.evidence[:MOST_LINKS]]
    links += ["…"] * (len(frame.evidence) > MOST_LINKS)
    return f"{markdown(frame.text)} ({', '.join(links)})"


def _group(group: Group, labels: Labels) -> Iterator[str]:
    yield f"### {_marked(group.title.text, group.title.language, labels)}"
    yield from (_said(said, labels) for said in group.said)


def _marked(text: str, language: str | None, labels: Labels) -> str:
    if language is None:
        return markdown(text)
    needed = f"{labels['draft.translation_needed']} ({language})"
    return f"{markdown(text)} **\\[{markdown(needed)}\\]**"


def _said(said: SaidView, labels: Labels) -> str:
    if said.translation is None:
        lines = [_marked(said.text, said.language, labels)]
    else:
        lines = [markdown(said.text), f"{markdown(labels['export.translation'])}: {markdown(said.translation)}"]
    at = said.at
    approved = "" if said.approved is None else f", {markdown(said.approved)}"
    lines.append(f"— {markdown(said.voice)}, {markdown(at.talk)}, [{at.time}]({at.link}){approved}")
    return "\n>\n".join(f"> {line}" for line in lines)


def _talk(talk: TalkView, labels: Labels) -> str:
    links = [f"[{markdown(talk.recap_name)}]({talk.recap})"] if talk.recap else []
    links.append(f"[{markdown(labels['digest.transcript'])}]({talk.transcript})")
    headline = "" if talk.headline is None else f": {_marked(talk.headline, talk.language, labels)}"
    return f"- **{markdown(talk.title)}**{headline} ({markdown(talk.facts)}) {', '.join(links)}"
