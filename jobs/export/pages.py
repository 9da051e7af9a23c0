"""Files made from templates: HTML pages and XML.

Jinja2 escapes every value. Pages stand alone: one style sheet within, no scripts, nothing fetched from anywhere.
Should something slip through nevertheless, a page's own Content-Security-Policy allows only the one style sheet, named
by its digest (W3C CSP 3, 6.7.2.3).
"""

import base64
import hashlib
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

_FOLDER = files("jobs.export") / "templates"
_STYLE = (_FOLDER / "page.css").read_text("utf-8")
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; base-uri 'none'; form-action 'none'"

_PAGES = Environment(
    loader=DictLoader({one.name: one.read_text("utf-8") for one in _FOLDER.iterdir() if one.name.endswith(".j2")}),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: object) -> bytes:
    """Fill a page of `templates/`; it finds the style sheet as `style` and the policy as `policy`."""
    style = Markup(_STYLE)  # noqa: S704  # our own file
    return fill(template, style=style, policy=_POLICY, **values)


def fill(template: str, **values: object) -> bytes:
    """Fill a template of `templates/`."""
    return _PAGES.get_template(template).render(**values).encode()
