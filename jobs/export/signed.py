"""`signed-0001.diff.md`: who approved a recap, what they changed, and what spoke against it."""

from collections.abc import Iterator

from jobs.artifacts import Artifact
from jobs.export.heading import label_of
from jobs.export.labels import Labels, sentence
from jobs.export.readable import clean, markdown
from jobs.proof.checks import Flaw, Verdict
from jobs.recap import Recap
from jobs.signoff import Objection, Signature, difference
from jobs.transcript import Transcript


def difference_file(signature: Signature, draft: Recap, transcript: Transcript, labels: Labels) -> Artifact:
    """Write the difference between a draft and what was approved, a unified diff with a sentence a line."""
    blocks = _blocks(signature, difference(draft, signature.recap, transcript), labels)
    return Artifact("diff.md", "text/markdown; charset=utf-8", ("\n\n".join(blocks) + "\n").encode())


def _blocks(signature: Signature, changed: str, labels: Labels) -> Iterator[str]:
    yield f"**{markdown(label_of(signature.approval, labels))}**"
    origin = signature.origin
    facts = {"draft": origin.draft, "version": origin.transcript_version, "sha256": signature.approved_sha256}
    yield labels["signoff.basis"].format_map(facts)
    unproven = [one for one in signature.objections if one.flaw is Flaw.WITHOUT_EVIDENCE]
    refuted = [one for one in signature.objections if one.verdict is Verdict.FAIL]
    weighed = [one for one in signature.objections if one not in unproven and one not in refuted]
    if signature.anyway is not None:
        yield f"**{markdown(labels['signoff.anyway'])}:** {markdown(signature.anyway)}"
    yield from _listed("refuted", refuted, labels)
    yield from _listed("unproven", unproven, labels)
    yield from _listed("weighed", weighed, labels)
    if signature.left_open:
        yield f"## {markdown(labels['signoff.left_open'])}"
        yield "\n".join(f"- {markdown(one)}" for one in signature.left_open)
    yield f"## {markdown(labels['signoff.changes'])}"
    # A line of a diff begins with a sign of its own, and so never ends the block.
    yield f"```diff\n{changed}```" if changed else markdown(labels["signoff.unchanged"])


def _listed(name: str, found: list[Objection], labels: Labels) -> Iterator[str]:
    if found:
        yield f"## {markdown(labels[f'signoff.{name}'])}"
        yield "\n".join(f"- {markdown(clean(one.text))} {_reason(one, labels)}".rstrip() for one in found)


def _reason(objection: Objection, labels: Labels) -> str:
    if objection.flaw is Flaw.WITHOUT_EVIDENCE:
        return ""
    return f"**{markdown(sentence(labels, 'check', objection.flaw.value, objection.fields))}**"
