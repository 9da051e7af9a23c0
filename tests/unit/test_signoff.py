"""What an edited draft comes to: every line is told by the file it was made from, whatever its format and layout."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest
from docx import Document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import shapes
from jobs.artifacts import canonical_json
from jobs.export import RECAP_FORMATS
from jobs.export.labels import sentence
from jobs.export.readable import clean
from jobs.export.voices import voices_of
from jobs.manuscript import Line, from_markdown, from_paragraphs
from jobs.pairing import Text, paired
from jobs.programme import Talk
from jobs.proof.checks import Flaw, Verdict
from jobs.proof.record import Record
from jobs.recap import Approval, Basis, Recap, Sentence, Status
from jobs.revision import Printed, Revision, from_json, revised, settled
from jobs.shapes import WHOLE, Shape, parse_shapes, shaped
from jobs.signoff import approved, changes, content, difference, objections, passages, sha256_of, text
from jobs.transcript import Transcript

Change = Callable[[list[Line]], Sequence[Line]]
TRUST = "Das Vertrauen der Leserinnen und Leser ist unser einziges Kapital."
SUBSCRIBERS = "Es geht um Zeitungen mit 140.000 Abonnenten."


class Desk:
    """The sample draft as a file, and what comes of editing its lines."""

    def __init__(  # the sample's parts
        self, recap: Recap, transcript: Transcript, talk: Talk, labels: dict[str, str], name: str, shape: Shape = WHOLE
    ) -> None:
        self.recap, self.transcript, self.talk = shaped(recap, shape, transcript, talk, labels).whole, transcript, talk
        data = RECAP_FORMATS[name](recap, transcript, talk, labels, shape).data
        self.lines = list(from_markdown(data.decode()).lines if name.endswith(".md") else of_docx(data))
        questions = tuple(sentence(labels, "question", one.code, one.fields) for one in recap.open_questions)
        self.printed = Printed(self.recap, tuple(self.lines), voices_of(transcript, labels), questions)

    def edit(self, change: Change) -> Revision:
        after = tuple(change(list(self.lines)))
        return revised(self.printed, after, Record(self.transcript, self.talk))

    def reworded(self, old: str, new: str) -> Revision:
        assert any(old in line.text for line in self.lines)
        return self.edit(lambda lines: [replace(line, text=line.text.replace(old, new)) for line in lines])

    def flaws(self, revision: Revision) -> list[tuple[Flaw, Verdict]]:
        return [(one.flaw, one.verdict) for one in objections(revision.recap, self.transcript, self.talk)]


def of_docx(data: bytes) -> tuple[Line, ...]:
    def read(paragraph: object) -> tuple[str, str]:
        return paragraph.style.style_id, paragraph.text  # type: ignore[attr-defined,no-any-return]

    return from_paragraphs(map(read, Document(BytesIO(data)).paragraphs), None).lines


@pytest.fixture(params=["recap.md", "recap.docx"])
def desk(
    request: pytest.FixtureRequest,
    sample_recap: Recap,
    sample_transcript: Transcript,
    sample_talk: Talk,
    sample_labels: dict[str, str],
) -> Desk:
    return Desk(sample_recap, sample_transcript, sample_talk, sample_labels, request.param)


def test_an_unedited_file_is_the_draft(desk: Desk) -> None:
    done = desk.edit(lambda lines: lines)
    assert done.recap == replace(desk.recap, open_questions=())
    assert (done.title, done.names, len(done.left_open)) == (None, {}, 1)
    assert changes(desk.recap, done.recap) == ()


@pytest.mark.parametrize("name", parse_shapes(shapes()))
@pytest.mark.parametrize("form", ["recap.md", "recap.docx"])
def test_whatever_the_shape_all_it_shows_is_known(  # the sample's parts
    name: str, form: str, sample_recap: Recap, sample_transcript: Transcript, sample_talk: Talk,
    sample_labels: dict[str, str],
) -> None:  # fmt: skip
    shape = parse_shapes(shapes())[name]
    desk = Desk(sample_recap, sample_transcript, sample_talk, sample_labels, form, shape)
    done = desk.edit(lambda lines: lines)
    assert sorted(passages(done.recap), key=repr) == sorted(passages(desk.recap), key=repr)
    assert desk.flaws(done) == []


def test_a_reworded_sentence_keeps_its_evidence_and_is_checked_against_it(desk: Desk) -> None:
    right = desk.reworded(SUBSCRIBERS, "Thema sind Lokalzeitungen mit 140.000 Abonnenten.")
    (change,) = changes(desk.recap, right.recap)
    assert change.before is not None
    assert change.after is not None
    assert (change.before.text, change.after.evidence) == (SUBSCRIBERS, ("u0002",))
    assert right.recap.lead[1].basis is Basis.EDITED
    assert Verdict.FAIL not in {verdict for _, verdict in desk.flaws(right)}
    wrong = desk.reworded(SUBSCRIBERS, "Es geht um Zeitungen mit 240.000 Abonnenten.")
    assert (Flaw.UNBACKED_NUMBER, Verdict.FAIL) in desk.flaws(wrong)


def test_a_new_sentence_has_the_evidence_whose_time_stands_behind_it(desk: Desk) -> None:
    at = next(i for i, line in enumerate(desk.lines) if SUBSCRIBERS in line.text) + 1
    with_time = Line("Zum ersten Mal verkaufte das Haus mehr digitale Ausgaben als gedruckte.", ("0:12",))
    done = desk.edit(lambda lines: [*lines[:at], with_time, Line("Das Wetter war schön."), *lines[at:]])
    assert done.recap.lead[2:4] == (
        Sentence(with_time.text, ("u0004",), Basis.EDITED),
        Sentence("Das Wetter war schön.", (), Basis.EDITED),
    )
    assert [flaw for flaw in desk.flaws(done) if flaw[1] is not Verdict.PASS] == [
        (Flaw.WITHOUT_EVIDENCE, Verdict.WARNING)
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("unser einziges Kapital", "unser ganzes Kapital"), ("ist unser einziges", "ist nicht unser einziges")],
)
def test_a_changed_quote_fails(desk: Desk, old: str, new: str) -> None:
    def change(lines: list[Line]) -> list[Line]:
        return [replace(line, text=line.text.replace(old, new)) if line.is_quote else line for line in lines]

    done = desk.edit(change)
    assert new in done.recap.quotes[0].text
    assert desk.flaws(done) == [(Flaw.NOT_SAID, Verdict.FAIL)]


def test_words_put_into_somebodys_mouth_fail_in_a_sentence_as_well(desk: Desk) -> None:
    done = desk.reworded(SUBSCRIBERS, "Zeitungen mit 140.000 Abonnenten, sagte Berg, „werden alle noch untergehen“.")
    assert (Flaw.NOT_SAID, Verdict.FAIL) in desk.flaws(done)
    said = desk.reworded(SUBSCRIBERS, "Berg fragte, wie „Lokalzeitungen mit 140.000 Abonnenten überleben“.")
    assert Flaw.NOT_SAID not in {flaw for flaw, _ in desk.flaws(said)}


def test_a_voice_gets_its_name_where_the_quote_names_it(desk: Desk) -> None:
    done = desk.reworded("— Stimme 2", "— Jonas Brandt")
    assert dict(done.names) == {"SPEAKER_00": "Jonas Brandt"}
    assert done.recap == replace(desk.recap, open_questions=())
    swapped = desk.reworded("— Stimme 2", "— Claire Dunn")
    assert swapped.names == {}
    assert desk.flaws(swapped) == [(Flaw.WRONG_SPEAKER, Verdict.FAIL)]


def test_what_is_moved_keeps_its_evidence(desk: Desk) -> None:
    def change(lines: list[Line]) -> list[Line]:
        moved = next(line for line in lines if SUBSCRIBERS in line.text)
        rest = [line for line in lines if line is not moved]
        return [*rest[:-2], moved, *rest[-2:]]

    done = desk.edit(change)
    everywhere = [*done.recap.lead, *(one for chapter in done.recap.chapters for one in chapter.sentences)]
    assert Sentence(SUBSCRIBERS, ("u0002",), Basis.WRITTEN) in everywhere


def test_title_headline_and_chapters_can_be_reworded(desk: Desk) -> None:
    assert desk.reworded("Lokaljournalismus & seine Zukunft", "Vertrauen").title == "Vertrauen"
    done = desk.reworded("Wie ist die Lage bei Ihnen?", "Die Lage")
    assert [chapter.title for chapter in done.recap.chapters] == ["Die Lage", "Claire, what about London?"]
    assert [one.span for one in done.recap.chapters] == [one.span for one in desk.recap.chapters]


def test_what_is_deleted_is_gone_and_told(desk: Desk) -> None:
    done = desk.edit(lambda lines: [line for line in lines if SUBSCRIBERS not in line.text])
    assert SUBSCRIBERS not in text(done.recap)
    (change,) = changes(desk.recap, done.recap)
    assert (change.before.text if change.before else None, change.after) == (SUBSCRIBERS, None)
    assert f"-{SUBSCRIBERS} (0:04)" in difference(desk.recap, done.recap, desk.transcript).splitlines()


def test_without_times_and_marks_everything_is_still_known(desk: Desk) -> None:
    done = desk.edit(lambda lines: [replace(line, times=()) for line in lines])
    assert done.recap == replace(desk.recap, open_questions=())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # nothing changes it
@given(data=st.data())
def test_no_line_that_stands_there_is_lost(desk: Desk, data: st.DataObject) -> None:
    new = st.builds(Line, st.text(min_size=1).map(clean).filter(lambda t: any(map(str.isalnum, t))))
    after = data.draw(st.permutations(desk.lines + data.draw(st.lists(new, max_size=4))))
    done = desk.edit(lambda _: after)
    stands = "\n".join((text(done.recap), done.title or "", *done.left_open))
    furniture = {line.text for line in desk.lines}
    assert all(line.text in stands for line in after if line.text not in furniture and not line.is_quote)


def test_markdown_from_elsewhere_is_read_as_it_shows() -> None:
    read = from_markdown(
        "\ufeff---\ntitle: x\ndraft: '0123456789abcdef'\n---\r\n# Titel\n\nEin *Satz*\nin zwei Zeilen ([0:20](t#t=20),"
        " 1:02:03). Noch einer.\n\n* Punkt `a`\n\n> „Zitat“\n"
    )
    assert read.draft == "0123456789abcdef"
    assert read.lines == (
        Line("Titel", is_heading=True),
        Line("Ein Satz in zwei Zeilen", ("0:20", "1:02:03")),
        Line(". Noch einer."),
        Line("Punkt a"),
        Line("„Zitat“", is_quote=True),
    )
    assert from_markdown("").lines == ()


texts = st.lists(st.builds(Text, st.sampled_from("ab"), st.text("xyz ", max_size=6)), max_size=8)


@given(texts, texts)
def test_pairs_are_of_one_kind_used_once_and_equal_ones_are_never_missed(before: list[Text], after: list[Text]) -> None:
    pairs = paired(before, after)
    assert len(set(pairs.values())) == len(pairs)
    assert all(before[old].kind == after[new].kind for new, old in pairs.items())
    left = [before[old] for old in range(len(before)) if old not in pairs.values()]
    assert not [after[new] for new in range(len(after)) if new not in pairs and after[new] in left]
    assert paired(before, before) == {place: place for place in range(len(before))}


def test_an_edited_json_takes_words_and_evidence_and_nothing_else(sample_recap: Recap) -> None:
    data = canonical_json(sample_recap).replace(b"Es geht um Zeitungen", b"Es ging um Zeitungen")
    data = data.replace(b'"engine": "extractive"', b'"engine": "Kim"')
    done = settled(from_json(data), sample_recap, {})
    assert done.recap.provenance == sample_recap.provenance
    assert [one.basis for one in done.recap.lead] == [Basis.FRAME, Basis.EDITED, Basis.VERBATIM]
    bare = canonical_json(sample_recap).decode().replace('"evidence": [\n    "u0002"\n   ],', "")
    assert settled(from_json(bare.encode()), sample_recap, {}).recap.lead[1].evidence == ()
    with pytest.raises(ValueError, match=r"."):
        from_json(b'{"recording_id": "r-1"}')


def test_somebody_answers_for_an_approved_recap(sample_recap: Recap, sample_transcript: Transcript) -> None:
    approval = Approval("Kim Ott", datetime(2026, 11, 22, tzinfo=UTC), 1)
    done = approved(sample_recap, approval)
    assert (done.status, done.approval, done.open_questions) == (Status.APPROVED, approval, ())
    assert passages(done) == passages(sample_recap)
    assert (sha256_of(done), content(done, sample_transcript)) == (
        sha256_of(sample_recap), content(sample_recap, sample_transcript),
    )  # fmt: skip
    other = replace(sample_transcript, names={})
    assert content(done, other) != content(done, sample_transcript)
    with pytest.raises(ValueError, match="approved by somebody"):
        replace(sample_recap, status=Status.APPROVED)
    with pytest.raises(ValueError, match="without evidence"):
        Sentence("Frei erfunden.", ())
