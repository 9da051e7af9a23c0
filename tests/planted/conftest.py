import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def suite() -> ModuleType:
    """True drafts and the faults that are planted in them: `suite.py`."""
    spec = importlib.util.spec_from_file_location("planted_suite", Path(__file__).with_name("suite.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
