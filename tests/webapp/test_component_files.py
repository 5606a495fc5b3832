"""A component's script is one module: Streamlit serves no others beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webapp.components import files

SCRIPTS = sorted(Path(files.__file__).parent.glob("*.js"))


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: str(file.stem))
def test_nothing_is_imported_and_everything_is_there_once(file: Path) -> None:
    script = files.script(file)
    assert not re.search(r"^import ", script, re.MULTILINE)
    names = re.findall(r"^(?:export )?(?:default )?(?:function|const) (\w+)", script, re.MULTILINE)
    assert sorted(names) == sorted(set(names))
    for neighbour in re.findall(r'^import .* from "\./(\w+\.js)"$', file.read_text(), re.MULTILINE):
        wanted = re.findall(
            r"^export (?:function|const) (\w+)", file.with_name(neighbour).read_text(), re.MULTILINE
        )
        assert wanted and set(wanted) <= set(names)


def test_a_component_has_one_default_export() -> None:
    script = files.script(Path(files.__file__).with_name("photo_viewer.js"))
    assert len(re.findall(r"^export default ", script, re.MULTILINE)) == 1
