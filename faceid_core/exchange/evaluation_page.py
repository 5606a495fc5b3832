"""An evaluation as a self-contained, printable HTML page."""

from __future__ import annotations

from typing import Any


def as_html(found: dict[str, Any], *, title: str) -> str:
    """Render the result of steps.evaluate_folder. The page loads nothing and runs no scripts."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    loader = PackageLoader("faceid_core.exchange", "templates")
    pages = Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    pages.filters["percent"] = lambda share: "not measured" if share is None else f"{100 * share:.1f}%"
    return pages.get_template("evaluation.html").render(title=title, **found)
