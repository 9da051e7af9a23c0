"""Our top-level packages have everyday names: make sure that nothing else in the environment owns one of them."""

import importlib.util
from pathlib import Path

from jobs.errors import SetupError

NAMES = ("worker", "jobs", "config")


def strangers() -> tuple[str, ...]:
    """Which of our names Python would take from somewhere else: "config (from /path)"."""
    home = Path(__file__).resolve().parent.parent
    found = []
    for name in NAMES:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve().parent if spec is not None and spec.origin else None
        if origin != home / name:
            found.append(f"{name} (from {origin})")
    return tuple(found)


def check_ownership() -> None:
    """Refuse to run beside packages that shadow ours.

    Raises:
        SetupError: names them.
    """
    if foreign := strangers():
        detail = f"another package stands where ours should: {', '.join(foreign)}; give nachlese its own environment"
        raise SetupError("foreign-package", detail)
