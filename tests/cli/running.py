"""Run a command of the command line in this process, and look at how it ended."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from PIL import Image

from faceid_core.cli.main import main

ROOT = Path(__file__).parents[2]


LANDSCAPE = Image.linear_gradient("L").resize((320, 240)).convert("RGB")


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code and what it wrote to both outputs."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def faceid(*arguments: object) -> Ran:
    """Run a command in this process. What no sentence explains comes through as the exception that it is."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="faceid")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ran(done.exit_code, done.stdout, done.stderr)


def refused(ran: Ran, *words: str) -> str:
    """Assert that the command was refused with one sentence that has these words; give the sentence."""
    sentence = ran.err.splitlines()[-1]
    assert ran.code == 2, ran
    assert sentence.startswith("faceid: ")
    assert sentence.endswith((".", "`."))
    assert "Traceback" not in ran.err
    for word in words:
        assert word in sentence
    return sentence


def in_the_environment(**settings: object) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in settings.items()}}
