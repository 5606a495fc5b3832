"""A component's page half: the .js and .css beside its Python module."""

from __future__ import annotations

import re
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

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


def as_data(shown: DataclassInstance) -> dict[str, Any]:
    """A component's data: the fields, and dataclasses in them as dicts. `asdict` would copy what is plain, too:
    2,000 people to choose from, in a tenth of a second a question."""
    return {field.name: _plain(getattr(shown, field.name)) for field in fields(shown)}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [asdict(one) if is_dataclass(one) and not isinstance(one, type) else one for one in value]
    return value


def script(file: Path, known: set[str] | None = None) -> str:
    """A component's script in one piece, as Streamlit serves it: what it imports from its neighbours is put in,
    each once. known: names of files that are in it already."""
    known = known if known is not None else {file.name}

    def put_in(found: re.Match[str]) -> str:
        if found[1] in known:
            return ""
        known.add(found[1])
        return re.sub(r"^export ", "", script(file.with_name(found[1]), known), flags=re.MULTILINE)

    return SHARED.sub(put_in, file.read_text(encoding="utf-8"))
