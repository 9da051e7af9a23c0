"""The top of every Markdown file: front matter for programs, label, title and notices for readers."""

import json
from collections.abc import Iterator

from jobs.export.heading import Heading
from jobs.export.labels import Labels
from jobs.export.readable import markdown


def head(heading: Heading, labels: Labels) -> Iterator[str]:
    """The blocks that a Markdown file begins with.

    The front matter is YAML; a JSON string is a YAML string (YAML 1.2.2, 1.3), so a title can't break out of it.
    """
    draft = {"draft": heading.draft} if heading.draft else {}
    marks = {**heading.marks, "digital_source_type": heading.origin, **draft}
    known = {"title": heading.title, "label": heading.label, **marks}
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in known.items())
    yield "\n".join(("---", *lines, "---"))
    yield f"**{markdown(heading.label)}**"
    yield f"# {markdown(heading.title)}"
    for notice in heading.notices:
        yield f"> **{markdown(labels['export.notice'])}:** {markdown(notice)}"
