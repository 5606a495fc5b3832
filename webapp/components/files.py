"""A component's page half: the .js and .css beside its Python module."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import streamlit as st

SHARED = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)"\n', re.MULTILINE)


def component(module: str) -> Any:
    """Register the files beside a module (its __file__) with Streamlit; call the result to draw the component."""
    file = Path(module)
    return st.components.v2.component(
        f"faceid_{file.stem}",
        html='<div class="root"></div>',
        css=file.with_suffix(".css").read_text(encoding="utf-8"),
        js=script(file.with_suffix(".js")),
    )


def script(file: Path) -> str:
    """A component's script in one piece, as Streamlit serves it: what it imports from its neighbours is put in."""

    def put_in(found: re.Match[str]) -> str:
        text = file.with_name(found[1]).read_text(encoding="utf-8")
        return re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE)

    return SHARED.sub(put_in, file.read_text(encoding="utf-8"))
