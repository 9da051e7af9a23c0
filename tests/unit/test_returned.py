"""Files that editors give back: read as they show, and refused before they can do harm."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from docx import Document
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls

from jobs.errors import InputError
from jobs.export import recap_docx, transcript_docx
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.transcript import Transcript
from worker.desk.returned import MAX_TEXT_BYTES, noted, paragraphs, read, word


def saved(document: object) -> bytes:
    buffer = BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def test_marked_changes_count_as_accepted() -> None:
    document = Document()
    target = document.add_paragraph("Das bleibt, ")._p
    for tag, inner in (("ins", "w:t"), ("del", "w:delText"), ("moveFrom", "w:t"), ("moveTo", "w:t")):
        run = f'<w:r><{inner} xml:space="preserve">{tag} </{inner}></w:r>'
        target.append(parse_xml(f'<w:{tag} {nsdecls("w")} w:id="1" w:author="x">{run}</w:{tag}>'))
    run = OxmlElement("w:r")
    run.append(OxmlElement("w:br"))
    target.append(run)
    found = dict(paragraphs(word(saved(document))))
    assert list(found.values()) == ["Das bleibt, ins moveTo \n"]


def test_a_draft_says_which_it_is_also_after_word_has_saved_it(
    sample_recap: Recap, sample_transcript: Transcript, sample_labels: dict[str, str]
) -> None:
    made = recap_docx.write(sample_recap, sample_transcript, Talk(title='<x name="draft">'), sample_labels)
    again = saved(Document(BytesIO(made.data)))
    assert noted(word(again), "draft") == sample_recap.draft
    assert noted(word(transcript_docx.write(sample_transcript, Talk(), sample_labels).data), "draft") is None
    assert noted(word(saved(Document())), "draft") is None


def test_no_bomb_is_unpacked() -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b"\0" * (60 << 20))
    with pytest.raises(InputError, match="edit-too-long"):
        word(packed.getvalue())


def test_what_nobody_can_read_is_refused_by_the_code_that_is_asked_for(tmp_path: Path) -> None:
    def fail(_data: bytes) -> str:
        raise UnicodeDecodeError("utf-8", b"", 0, 1, "x")

    path = tmp_path / "x.md"
    path.write_bytes(b"x")
    assert read(path, {".md": bytes.decode}, unreadable="sign-unreadable") == "x"
    for readers in ({".md": fail}, {".docx": fail}):
        with pytest.raises(InputError, match="sign-unreadable"):
            read(path, readers, unreadable="sign-unreadable")
    path.write_bytes(b"x" * (MAX_TEXT_BYTES + 1))
    with pytest.raises(InputError, match="edit-too-long"):
        read(path, {".md": bytes.decode}, unreadable="sign-unreadable")


def test_a_tab_or_a_break_parts_words() -> None:
    document = Document()
    document.add_paragraph("eins\tzwei\ndrei")
    ((_, text),) = paragraphs(document)
    assert text.split() == ["eins", "zwei", "drei"]
