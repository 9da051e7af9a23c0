"""Word files, read back with python-docx and as plain XML: whole, marked, styled, and the same every time."""

import re
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from docx import Document
from docx.document import Document as WordDocument

from jobs.artifacts import Artifact
from jobs.export import recap_docx, transcript_docx
from jobs.programme import Talk
from jobs.recap import Recap, Sentence
from jobs.transcript import Transcript

LABEL = "ENTWURF – maschinell erstellt, redaktionell ungeprüft"
PERSONS = ("Anna", "Berg", "Claire", "Dunn")


def read(artifact: Artifact) -> WordDocument:
    return Document(BytesIO(artifact.data))


@pytest.fixture
def transcript_file(sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str]) -> Artifact:
    return transcript_docx.write(sample_transcript, sample_talk, sample_labels)


@pytest.fixture
def recap_file(
    sample_recap: Recap, sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str]
) -> Artifact:
    return recap_docx.write(sample_recap, sample_transcript, sample_talk, sample_labels)


def turns(document: WordDocument) -> list[tuple[str, str, str]]:
    """Name, time and words of each paragraph of speech, by its character styles."""
    read = []
    for paragraph in document.paragraphs:
        if paragraph.style is not None and paragraph.style.name == "Speaker Turn":
            (name,) = (run.text for run in paragraph.runs if run.style.name == "Speaker Name")
            (time,) = (run.text.strip() for run in paragraph.runs if run.style.name == "Time Code")
            read.append((name, time, paragraph.text.partition("\n")[2]))
    return read


def test_every_speech_comes_back_with_voice_time_and_words(
    transcript_file: Artifact, sample_transcript: Transcript
) -> None:
    spoken = turns(read(transcript_file))
    assert [(name, time) for name, time, _ in spoken[:3]] == [
        ("Anna Berg", "[0:00]"), ("Stimme 2", "[0:12]"), ("Anna Berg", "[0:20]"),
    ]  # fmt: skip
    words = " ".join(re.sub(r"\[zweifelhaft, [^:]*: (.*?)\]", r"\1", text) for _, _, text in spoken).split()
    assert words == [word.text for u in sample_transcript.utterances for word in u.words]


def test_doubt_and_foreign_words_are_marked(transcript_file: Artifact) -> None:
    runs = [run for paragraph in read(transcript_file).paragraphs for run in paragraph.runs]
    assert [run.text for run in runs if run.style.name == "Doubtful"] == [
        "[zweifelhaft, vermutlich erfundener Abspann: Untertitel der Amara.org-Community]"
    ]
    english = [run.text.strip() for run in runs if 'w:lang w:val="en"' in run.element.xml]
    assert english[0] == "Claire, what about London?"
    assert len(english) == 3
    assert 'w:lang w:val="de-DE"' in read(transcript_file).styles.element.xml


def test_header_body_and_properties_say_that_a_machine_made_it(
    transcript_file: Artifact, recap_file: Artifact, sample_recap: Recap
) -> None:
    for file, origin in ((transcript_file, "compositeWithTrainedAlgorithmicMedia"),
                         (recap_file, "trainedAlgorithmicMedia")):  # fmt: skip
        document = read(file)
        header = "\n".join(paragraph.text for paragraph in document.sections[0].header.paragraphs)
        assert LABEL in header
        assert "Lokaljournalismus & seine Zukunft" in header
        assert document.paragraphs[0].text == LABEL
        properties = ElementTree.fromstring(ZipFile(BytesIO(file.data)).read("docProps/custom.xml"))  # noqa: S314
        found = {one.get("name"): one[0].text for one in properties}
        assert found == {
            "machine_generated": "true", "label": LABEL,
            "digitalSourceType": f"http://cv.iptc.org/newscodes/digitalsourcetype/{origin}",
        } | ({"draft": sample_recap.draft} if file is recap_file else {})  # fmt: skip


def test_the_properties_name_no_person(transcript_file: Artifact, recap_file: Artifact) -> None:
    for file in (transcript_file, recap_file):
        within = ZipFile(BytesIO(file.data))
        properties = "".join(within.read(name).decode() for name in within.namelist() if name.startswith("docProps/")
                             and name.endswith(".xml"))  # fmt: skip
        assert not any(person in properties for person in PERSONS)
        core = read(file).core_properties
        assert (core.author, core.last_modified_by) == ("Nachlese", "Nachlese")
        assert core.created is not None
        assert core.created.isoformat() == "2026-11-03T14:05:00+00:00"


def test_every_sentence_of_the_recap_carries_its_proof_as_a_comment(
    recap_file: Artifact, sample_recap: Recap, sample_transcript: Transcript
) -> None:
    document = read(recap_file)
    comments = [comment.text for comment in document.comments]
    parts = (
        sample_recap.headline, *sample_recap.lead, *sample_recap.quotes,
        *(p for chapter in sample_recap.chapters for p in (chapter, *chapter.sentences)), *sample_recap.open_questions,
    )  # fmt: skip
    assert len(comments) == len(parts)
    for comment, part in zip(comments, parts, strict=True):
        assert part is not None
        assert all(sample_transcript.utterance(one).text in comment for one in part.evidence)
    body = document.element.xml
    assert body.count("<w:commentRangeStart ") == body.count("<w:commentReference ") == len(parts)


def test_parts_of_the_recap_have_words_own_styles(recap_file: Artifact) -> None:
    styles = {paragraph.style.name for paragraph in read(recap_file).paragraphs if paragraph.style is not None}
    assert {"Title", "Heading 1", "Heading 2", "Quote", "List Bullet", "Draft Label"} <= styles
    quotes = [p.text for p in read(recap_file).paragraphs if p.style is not None and p.style.name == "Quote"]
    assert quotes[1].startswith("„Readers pay for reporting, not for noise.“\nÜbersetzung: „Leser zahlen")


def test_evidence_that_isnt_there_is_told_in_text_and_comment(
    sample_recap: Recap, sample_transcript: Transcript, sample_talk: Talk, sample_labels: dict[str, str]
) -> None:
    recap = replace(sample_recap, lead=(Sentence("Frei erfunden.", ("u9999",)),))
    document = read(recap_docx.write(recap, sample_transcript, sample_talk, sample_labels))
    told = "Der Beleg u9999 steht nicht im Transkript"
    assert any(told in paragraph.text for paragraph in document.paragraphs)
    assert any(told in comment.text for comment in document.comments)


def test_the_bytes_hold_no_time_of_writing(
    transcript_file: Artifact, recap_file: Artifact, sample_transcript: Transcript, sample_talk: Talk,
    sample_labels: dict[str, str],
) -> None:  # fmt: skip
    for file in (transcript_file, recap_file):
        within = ZipFile(BytesIO(file.data))
        assert {entry.date_time for entry in within.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in within.infolist()} == {0}
        years = {year for name in within.namelist() for year in re.findall(rb"20\d\d-\d\d-\d\dT", within.read(name))}
        assert years <= {b"2026-11-03T"}
    assert transcript_docx.write(sample_transcript, sample_talk, sample_labels).data == transcript_file.data


def test_every_style_that_is_used_is_there(transcript_file: Artifact, recap_file: Artifact) -> None:
    for file in (transcript_file, recap_file):
        within = ZipFile(BytesIO(file.data))
        known = set(re.findall(r'w:styleId="([^"]+)"', within.read("word/styles.xml").decode()))
        for name in ("word/document.xml", "word/header1.xml"):
            used = set(re.findall(r'<w:[pr]Style w:val="([^"]+)"', within.read(name).decode()))
            assert used
            assert used <= known


@pytest.mark.parametrize("attack", ["<w:p/>", "]]>", "&amp;", "\u202etxt.exe", "x\x00\x1b[1m", "a\n\nb", "x" * 400])
def test_foreign_text_stays_text(
    attack: str, sample_transcript: Transcript, sample_recap: Recap, sample_labels: dict[str, str]
) -> None:
    shown = " ".join("".join(filter(lambda c: c.isprintable() or c == "\n", attack)).split())
    transcript = replace(sample_transcript, names={"SPEAKER_01": attack})
    recap = replace(sample_recap, lead=(Sentence(attack, ("u0001",), language="en' w:x='"),))
    talk = Talk(title=attack)
    assert turns(read(transcript_docx.write(transcript, talk, sample_labels)))[0][0][:79] == shown[:79]
    document = read(recap_docx.write(recap, transcript, talk, sample_labels))
    assert any(paragraph.text == shown for paragraph in document.paragraphs)
    assert document.core_properties.title[:200] == shown[:200]


def test_silence_gives_files_that_say_so(
    empty_transcript: Transcript, empty_recap: Recap, sample_labels: dict[str, str]
) -> None:
    for file in (
        transcript_docx.write(empty_transcript, Talk(), sample_labels),
        recap_docx.write(empty_recap, empty_transcript, Talk(), sample_labels),
    ):
        assert "keine Sprache gefunden" in "\n".join(paragraph.text for paragraph in read(file).paragraphs)
