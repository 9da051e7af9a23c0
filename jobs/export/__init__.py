"""One module a format: each turns a transcript or a recap into the bytes of one file.

Exporters are pure: the words a German reader sees come in as `Labels`.
"""

from collections.abc import Mapping

#: The German words of `config/labels.de.toml`, flattened: "draft.label" → "ENTWURF – …".
Labels = Mapping[str, str]
