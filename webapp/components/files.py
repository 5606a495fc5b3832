"""A component's page half: the .js and .css beside its Python module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st


def component(module: str) -> Any:
    """Register the files beside a module (its __file__) with Streamlit; call the result to draw the component."""
    file = Path(module)
    return st.components.v2.component(
        f"faceid_{file.stem}",
        html='<div class="root"></div>',
        css=file.with_suffix(".css").read_text(encoding="utf-8"),
        js=file.with_suffix(".js").read_text(encoding="utf-8"),
    )
