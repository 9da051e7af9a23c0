"""The German words that exporters set around what was said, and how their gaps are filled."""

from collections.abc import Mapping

#: The German words of `config/labels.de.toml`, flattened: "draft.label" → "ENTWURF – …".
Labels = Mapping[str, str]


def sentence(labels: Labels, group: str, code: str, fields: Mapping[str, str | int | float]) -> str:
    """The sentence for a code that came with the data, its gaps filled.

    A code that the labels don't know gives the sentence of `<group>.unknown`: a file that says less is better
    than none. The gap {code} is always filled; a gap without a field shows "…"; floats are written as German does,
    to one decimal.

    Examples:
        >>> sentence({"notice.gap": "{missing} s von {claimed}"}, "notice", "gap", {"missing": 2.5})
        '2,5 s von …'
    """
    template = labels.get(f"{group}.{code}", labels.get(f"{group}.unknown", "{code}"))
    return template.format_map(_Fields({"code": code} | {name: _shown(value) for name, value in fields.items()}))


def _shown(value: str | float) -> str | int:
    return f"{value:.1f}".removesuffix(".0").replace(".", ",") if isinstance(value, float) else value


class _Fields(dict[str, str | int]):
    def __missing__(self, key: str) -> str:
        return "…"
