"""The newsroom's house style, from the file that the settings name."""

from pathlib import Path

from config.settings import RecapSettings, prompt
from jobs.errors import SetupError
from jobs.writing.house_style import HouseStyle, parse_style


def house_style(settings: RecapSettings) -> HouseStyle:
    """Read the style, ours where the settings name none.

    Raises:
        SetupError: "bad-house-style": the file isn't there or has another form.
    """
    named = settings.house_style
    try:
        return parse_style(Path(named).read_text("utf-8") if named else prompt("house_style"))
    except (OSError, ValueError) as error:
        raise SetupError("bad-house-style", f"recap.house_style can't be read: {type(error).__name__}") from error
