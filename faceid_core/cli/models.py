"""The commands for custom models: models list, add, check, remove."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from faceid_core.cli.console import JSON, Commands, library_of, new_library_of, print_json, print_table, put, say
from faceid_core.cli.parameters import PATH
from faceid_core.errors import CustomModelUnusable

if TYPE_CHECKING:
    from faceid_core.steps.manage_models import CustomModel
    from faceid_core.vision.custom_models import Name

KINDS: dict[str, Name] = {"scrfd": "detectors", "yunet": "detectors", "embedder": "embedders"}
QUESTIONS = {
    "input_px": ("Side of the network's input in pixels", int), "dimension": ("Numbers in a vector", int),
    "threshold": ("Distance below which two faces are one person", float),
}  # fmt: skip
"""What to ask at a terminal about an unknown file, where no option says it."""


@click.group(cls=Commands)
def models() -> None:
    """Use your own networks instead of those that come with faceid."""


@models.command("list")
@JSON
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the library's custom models, with their licences."""
    from faceid_core.steps.manage_models import list_models

    with library_of(ctx) as library:
        found = list_models(library.settings)
    if as_json:
        print_json([_as_dict(model) for model in found])
    elif found:
        rows = [(one.name, one.table.removesuffix("s"), one.entry.file.name, _title(one), _licence(one),
                 "yes" if one.in_use else "") for one in found]  # fmt: skip
        print_table(("Name", "Kind", "File", "What it is", "Licence", "In use"), rows)
    else:
        say("The library has no custom model; `faceid models add FILE` adds one.")


@models.command("add")
@click.argument("file", type=PATH)
@click.option("--name", help="What to call it [default: the known name, or the file's].")
@click.option("--kind", type=click.Choice(list(KINDS)), help="What it is; not needed for files that faceid knows.")
@click.option("--input-px", type=int, help="Side of its square input in pixels.")
@click.option("--mean", type=float, help="The network gets (pixel - mean) / std [default: 127.5].")
@click.option("--std", type=float, help="See --mean [default: 127.5].")
@click.option("--colour", type=click.Choice(["RGB", "BGR"]), help="Order of the channels [default: RGB].")
@click.option("--threshold", type=float, help="Lowest score of a face, or largest distance of one person's faces.")
@click.option("--nms-iou", type=float, help="Boxes that overlap more than this are one face [default: 0.4].")
@click.option("--dimension", type=int, help="Length of an embedder's vectors.")
@click.pass_context
def add(ctx: click.Context, /, file: Path, name: str | None, kind: str | None, **fields: Any) -> None:
    """Copy a network into the library and run it once."""
    from faceid_core.steps.manage_models import add_model, recognise_file

    known = recognise_file(file)[1]
    if known is None and kind is None and sys.stdin.isatty():
        kind = click.prompt("What is it?", type=click.Choice(list(KINDS)), err=True)
    given = {field: value for field, value in fields.items() if value is not None}
    if kind is not None and known is None:
        given |= _asked(kind, given) | ({"kind": kind} if KINDS[kind] == "detectors" else {})
    with new_library_of(ctx) as library:
        model = add_model(library, file, table=KINDS[kind] if kind else None, name=name, **given)
    say(f"Added {model.name}: {_title(model)}. Licence: {_licence(model)}. Set {model.setting} to use it.")
    if model.known and model.known.research_only:
        say("Its licence allows research only: commercial use needs an agreement with its authors.")


@models.command("check")
@click.argument("name", required=False)
@click.pass_context
def check(ctx: click.Context, name: str | None) -> None:
    """Run each custom model once, or the one called NAME."""
    from faceid_core.steps.manage_models import check_models

    with library_of(ctx) as library:
        found = check_models(library.settings, name)
    for each, problem in found.items():
        put(f"{each}: {problem or 'runs'}")
    if not found:
        say("The library has no custom model.")
    if broken := [each for each, problem in found.items() if problem]:
        raise CustomModelUnusable(f"{', '.join(broken)} can't be used, for the reasons above.")


@models.command("remove")
@click.argument("name")
@click.pass_context
def remove(ctx: click.Context, name: str) -> None:
    """Remove a model from models.toml. Its file and its results stay."""
    from faceid_core.steps.manage_models import remove_model

    with library_of(ctx) as library:
        file = remove_model(library, name)
    say(f"{name} is no longer a model of the library; its file stays: {file}.")


def _asked(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """What the options leave open, asked at a terminal. Elsewhere nothing: the step says what is missing."""
    from faceid_core.steps.manage_models import NEEDED

    if not sys.stdin.isatty():
        return {}
    return {field: click.prompt(QUESTIONS[field][0], type=QUESTIONS[field][1], err=True)
            for field in NEEDED[KINDS[kind]] if field in QUESTIONS and field not in given}  # fmt: skip


def _title(model: CustomModel) -> str:
    return model.known.title if model.known else "a file that faceid does not know"


def _licence(model: CustomModel) -> str:
    return model.known.licence if model.known else "unknown"


def _as_dict(model: CustomModel) -> dict[str, Any]:
    known = {"title": _title(model), "licence": _licence(model),
             "research_only": bool(model.known and model.known.research_only)}  # fmt: skip
    entry = model.entry.model_dump(mode="json", exclude={"kind"})
    kind = model.table.removesuffix("s")
    return {"name": model.name, "kind": kind, "in_use": model.in_use, **known, **entry}
