"""Word files (Office Open XML): styles, header, marks, and bytes that are the same every time.

Styles have English names, as Word's own have within the file; `transcript.docx` is read back by them.
"""

from io import BytesIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part, XmlPart
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from jobs.export.heading import Heading
from jobs.export.labels import Labels
from jobs.export.pages import fill
from jobs.export.readable import language_tag, shorten

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
#: Character and paragraph styles of our own.
TURN, VOICE, TIME, DOUBT = "Speaker Turn", "Speaker Name", "Time Code", "Doubtful"
LABEL, MADE = "Draft Label", "Made By"
#: Who says what a comment says.
PROGRAM = "Nachlese"

_FAINT = RGBColor(0x5D, 0x5A, 0x53)
_ACCENT = RGBColor(0x7A, 0x1F, 0x1F)
#: The time of every file within: a zip file knows none before.
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: Property values that Word reads end here (python-docx enforces it).
_MAX_PROPERTY = 255


def begin(heading: Heading, labels: Labels, kind: str) -> WordDocument:
    """A document with title, label, facts and notices, ready for its body."""
    document = Document()
    _styles(document)
    _properties(document, heading)
    header = document.sections[0].header
    header.paragraphs[0].text = f"{kind}: {heading.title}"
    header.add_paragraph(heading.label, style=LABEL)
    say(paragraph(document, LABEL), heading.label)
    say(paragraph(document, "Title"), heading.title)
    facts = ", ".join(heading.voices)
    say(paragraph(document), f"{labels['export.duration']} {heading.duration}" + (f" · {facts}" if facts else ""))
    for notice in heading.notices:
        told = paragraph(document, "Intense Quote")
        say(told, f"{labels['export.notice']}: ", style="Strong")
        say(told, notice)
    return document


def paragraph(document: WordDocument, style: str = "Normal") -> Paragraph:
    """Add an empty paragraph. By the style's id: to look it up by name takes python-docx milliseconds each time."""
    added = document.add_paragraph()
    added._p.style = _id(style)
    return added


def say(target: Paragraph, text: str, *, style: str | None = None, language: str | None = None) -> Run:
    """Add cleaned text to a paragraph; a language (ISO 639-1) is marked where it isn't German."""
    run = target.add_run(text)
    if style is not None:
        run._r.style = _id(style)
    if language is not None:
        mark = OxmlElement("w:lang")
        mark.set(qn("w:val"), language_tag(language))
        run._r.get_or_add_rPr().append(mark)
    return run


def remark(document: WordDocument, run: Run, text: str) -> None:
    """Write a comment beside a run; text of several lines becomes several paragraphs."""
    document.add_comment(run, text, author=PROGRAM, initials=PROGRAM[0])


def pack(document: WordDocument, heading: Heading) -> bytes:
    """End a document and write it.

    Not compressed, since compression differs from build to build, and without the time of writing: what two workers
    make of one recording is the same to the byte.
    """
    if heading.made:
        say(paragraph(document, MADE), heading.made)
    for part in document.part.package.iter_parts():
        if part.partname == "/word/comments.xml" and isinstance(part, XmlPart):
            for comment in part.element.iter(qn("w:comment")):
                comment.attrib.pop(qn("w:date"), None)
    written, packed = BytesIO(), BytesIO()
    document.save(written)
    with ZipFile(written) as source, ZipFile(packed, "w", ZIP_STORED) as target:
        for name in source.namelist():
            target.writestr(ZipInfo(name, _EPOCH), source.read(name))
    return packed.getvalue()


def _id(style: str) -> str:
    """The id that a style of that name has in python-docx's template, and gets from it."""
    return style.replace(" ", "")


def _styles(document: WordDocument) -> None:
    styles = document.styles
    for unused in [one for one in styles if one.type is WD_STYLE_TYPE.TABLE and one.name != "Normal Table"]:
        unused.delete()
    # A second copy of the styles for Word 2010, larger than all the rest.
    for relation in [name for name, one in document.part.rels.items() if one.reltype.endswith("/stylesWithEffects")]:
        del document.part.rels[relation]
    for language in styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "de-DE")
    turn = styles.add_style(TURN, WD_STYLE_TYPE.PARAGRAPH)
    turn.paragraph_format.space_after = Pt(8)
    turn.paragraph_format.widow_control = True
    styles.add_style(VOICE, WD_STYLE_TYPE.CHARACTER).font.bold = True
    time = styles.add_style(TIME, WD_STYLE_TYPE.CHARACTER)
    time.font.size, time.font.color.rgb = Pt(9), _FAINT
    doubt = styles.add_style(DOUBT, WD_STYLE_TYPE.CHARACTER)
    doubt.font.italic, doubt.font.color.rgb = True, _FAINT
    # python-docx marks comments with this style, which its template lacks.
    styles.add_style("Comment Reference", WD_STYLE_TYPE.CHARACTER).font.size = Pt(8)
    label = styles.add_style(LABEL, WD_STYLE_TYPE.PARAGRAPH)
    label.font.bold, label.font.color.rgb = True, _ACCENT
    made = styles.add_style(MADE, WD_STYLE_TYPE.PARAGRAPH)
    made.font.size, made.font.color.rgb = Pt(9), _FAINT
    for style, parent in ((turn, "Normal"), (label, "Normal"), (made, "Normal")):
        style.base_style = styles[parent]


def _properties(document: WordDocument, heading: Heading) -> None:
    """Say what made the file, in the fields that Word shows and in our own; of persons, only who approved it."""
    core = document.core_properties
    core.title = shorten(heading.title, _MAX_PROPERTY)
    core.author = core.last_modified_by = PROGRAM
    core.comments = heading.label
    core.content_status = "Draft" if heading.approval is None else "Final"
    core.language = "de-DE"
    if heading.made_at is not None:
        core.created = core.modified = heading.made_at.replace(microsecond=0)
    package = document.part.package
    name = PackURI("/docProps/custom.xml")
    draft = {"draft": heading.draft} if heading.draft else {}
    marks = {**heading.marks, "label": heading.label, "digitalSourceType": heading.origin, **draft}
    data = fill("custom.xml.j2", properties=marks)
    part = Part(name, CONTENT_TYPE.OFC_CUSTOM_PROPERTIES, data, package)
    package.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_PROPERTIES)
