"""A file that an editor gives back: weighed before it is opened, and refused where nothing of ours is read in it."""

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from docx import Document
from docx.document import Document as WordDocument
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn

from jobs.errors import InputError

T = TypeVar("T")

#: Eight hours are 15 MB as JSON, 1 MB as subtitles or text.
MAX_BYTES = 50 * 1024 * 1024
MAX_TEXT_BYTES = 10 * 1024 * 1024
#: A document of ours has about twenty parts; a few pictures may have come in.
MAX_PARTS = 500
_TEXT = frozenset({".vtt", ".md"})
_SHOWN = (qn("w:t"), qn("w:br"), qn("w:tab"))
#: What somebody has struck out or moved elsewhere while Word kept track.
_GONE = (qn("w:del"), qn("w:moveFrom"))
_PROPERTY = rb'<property[^>]{0,200}\bname="%s"[^>]{0,200}>\s{0,20}<[a-z:]{0,20}lpwstr>([^<]{0,200})<'


def read(path: Path, readers: Mapping[str, Callable[[bytes], T]], *, unreadable: str) -> T:
    """Read a file by what its suffix says.

    Args:
        path: The file.
        readers: What reads it, by suffix; they may fail with errors of any library used here.
        unreadable: The code of the error where it can't be read.

    Raises:
        InputError: `unreadable`, or "edit-too-long" when it is far larger than such files get.
    """
    kind = path.suffix.lower()
    limit = MAX_TEXT_BYTES if kind in _TEXT else MAX_BYTES

    def reader() -> T:
        if path.stat().st_size > limit:
            raise _too_long(limit)
        return readers[kind](path.read_bytes())

    return understood(reader, unreadable=unreadable)


def understood(reader: Callable[[], T], *, unreadable: str) -> T:
    """What a reader makes of a file from outside, whatever library it uses.

    Raises:
        InputError: `unreadable` when that fails.
    """
    try:
        return reader()
    # lxml's faults are syntax errors, those of an encrypted or strangely compressed package runtime errors.
    except (KeyError, ValueError, TypeError, OSError, SyntaxError, RuntimeError, OpcError, zipfile.BadZipFile) as error:
        raise InputError(unreadable, f"it can't be read: {type(error).__name__}") from None


def _too_long(limit: int) -> InputError:
    return InputError("edit-too-long", "the edited file is too long", megabytes=limit // 1024**2)


def word(data: bytes) -> WordDocument:
    """Open a Word document; it is weighed first, a small one may hold terabytes.

    Raises:
        InputError: "edit-too-long"
    """
    with zipfile.ZipFile(BytesIO(data)) as package:
        parts = package.infolist()
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_BYTES:
            raise _too_long(MAX_BYTES)
    return Document(BytesIO(data))


def paragraphs(document: WordDocument) -> Iterator[tuple[str | None, str]]:
    """Id of the style and text of each paragraph, as if marked changes were accepted."""
    for paragraph in document.element.body.iter(qn("w:p")):
        pieces = (one for one in paragraph.iter(*_SHOWN) if next(one.iterancestors(*_GONE), None) is None)
        yield paragraph.style, "".join((one.text or "") if one.tag == qn("w:t") else "\n" for one in pieces)


def noted(document: WordDocument, name: str) -> str | None:
    """One of the properties that we give our documents; None where it hasn't got it any more."""
    for part in document.part.package.iter_parts():
        if part.partname == "/docProps/custom.xml":
            found = re.search(_PROPERTY % re.escape(name.encode()), part.blob)
            return None if found is None else found[1].decode(errors="replace")
    return None
