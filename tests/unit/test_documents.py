"""What README and CONTRIBUTING name is there, and nothing that belongs into them is missing."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What stands between backticks in CONTRIBUTING: modules and names in them, paths.
_NAMED = sorted(set(re.findall(r"`([^`\n]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))))
MODULES = [one for one in _NAMED if re.fullmatch(r"(worker|jobs)(\.\w+)+", one)]
PATHS = [one for one in _NAMED if re.fullmatch(r"(worker|jobs|config|tests)(/[\w.-]+)+/?", one)]


def settings():
    """Names of all settings, as `recap.tries`; a table of free keys is one."""
    sections = tomllib.loads((ROOT / "config" / "default.toml").read_text("utf-8"))
    return {f"{section}.{name}" for section, known in sections.items() for name in known}


def told():
    """Names in the first column of the README's table; those that begin with a dot go on with the row's section."""
    text = (ROOT / "README.md").read_text("utf-8")
    rows = text.partition("### Settings")[2].partition("\n### ")[0].splitlines()
    found = set()
    for row in rows:
        if row.startswith("| `"):
            first, *more = re.findall(r"`([a-z_.]+)`", row.split("|")[1])
            found |= {first, *(first.partition(".")[0] + one for one in more)}
    return found


def test_every_setting_stands_in_the_table_and_no_other():
    assert told() == settings()


@pytest.mark.parametrize("name", MODULES)
def test_every_module_and_name_that_contributors_are_sent_to_is_there(name):
    module, _, attribute = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        assert hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", PATHS)
def test_every_path_that_contributors_are_sent_to_is_there(name):
    assert (ROOT / name).exists()
