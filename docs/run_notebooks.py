"""Runs the notebooks in docs/notebooks one after the other and keeps their outputs in them.

    python docs/run_notebooks.py

They run in a folder of their own, so that nothing of this machine is in the outputs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent / "notebooks"
SECONDS = 300
"""A cell may take."""

INLINE = "module://matplotlib_inline.backend_inline"
"""Figures become outputs, whatever the environment prefers."""


def files() -> list[Path]:
    """The notebooks in their order."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def executed(folder: Path) -> Iterator[tuple[Path, nbformat.NotebookNode]]:
    """Each notebook with its outputs, run in the folder, where the later ones find the library of the first.

    Raises nbclient.exceptions.CellExecutionError.
    """
    for file in files():
        notebook = nbformat.read(file, as_version=4)
        client = NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(folder)}})
        client.execute(env={**os.environ, "MPLBACKEND": INLINE})
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)  # when each cell ran
            for output in cell.get("outputs", ()):
                _as_jpeg(output)
        notebook.metadata.language_info = {"name": "python"}
        yield file, notebook


def _as_jpeg(output: nbformat.NotebookNode) -> None:
    """Pillow offers a picture as PNG, too, which takes ten times the room."""
    data = output.get("data", {})
    if "image/jpeg" in data:
        data.pop("image/png", None)


def main() -> None:
    """Run all and write them."""
    with TemporaryDirectory() as folder:
        for file, notebook in executed(Path(folder)):
            nbformat.write(notebook, file)


if __name__ == "__main__":
    main()
