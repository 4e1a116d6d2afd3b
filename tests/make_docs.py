"""`make docs`: writes docs/settings.md from the settings themselves."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from app.core.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
HEAD = """# Settings

Environment variables, read once at the start; a wrong value stops it with a clear error. `.env` is read too. Made by `make docs`.

| variable | default | what |
|---|---|---|
"""


def _default(value: object) -> str:
    if value in (PydanticUndefined, "", []) or isinstance(value, SecretStr):
        return ""
    return f"`{value}`"


def settings_page() -> str:
    """The page as Markdown."""
    rows = [
        f"| `{name.upper()}` | {_default(field.default)} | {field.description or ''} |"
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(settings_page())
