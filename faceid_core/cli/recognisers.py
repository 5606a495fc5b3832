"""The commands for trained recognisers, from list to export."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from faceid_core.cli.console import (
    JSON,
    YES,
    Commands,
    ask,
    library_of,
    print_json,
    print_table,
    progress_bar,
    put_lines,
    say,
)
from faceid_core.cli.parameters import IDENTITY, PATH, Real
from faceid_core.errors import BadInput
from faceid_core.wording import count

if TYPE_CHECKING:
    from faceid_core.library import Act, Library, ModelView
    from faceid_core.recognition.evaluation import Point
    from faceid_core.steps.apply_recogniser import Proposal
    from faceid_core.steps.next_to_name import ToName

NUMBER = click.argument("number", type=IDENTITY)


@click.command()
@click.option("--epochs", type=click.IntRange(1, 200), help="Number of passes over the faces.")
@click.option(
    "--recipe", type=click.Choice(["best", "imprint", "head", "fine-tune", "classic"]), default="best",
    help="imprint: each person's mean, in seconds; head: trained further, in a minute; fine-tune: with the "
    "network's last stage, in minutes; best: imprint or head, whichever does better on unseen faces; "
    "classic: imprint, compared with ResNet-34 [default: best].",
)  # fmt: skip
@click.option("--weights", type=PATH, help="File with ResNet-34's weights, for classic.")
@JSON
@click.pass_context
def train(ctx: click.Context, epochs: int | None, recipe: str, weights: Path | None, as_json: bool) -> None:
    """Train a recogniser from the names given so far."""
    from faceid_core.recognition.training import TrainOptions
    from faceid_core.steps.train import train_recogniser

    options = TrainOptions(recipe=recipe, weights=str(weights) if weights else None)
    if epochs is not None:
        options = replace(options, epochs=epochs)
    with library_of(ctx) as library, progress_bar("batches") as progress:
        model = train_recogniser(library, options=options, progress=progress)
    tested = f"{model.metrics['accuracy']:.1%} of the test faces were named correctly."
    untested = "nobody has a second photo to test it with."
    say(
        f"Recogniser {model.id} knows {count(len(model.classes), 'person', 'people')}; "
        f"{tested if model.metrics['valid_faces'] else untested}"
    )
    for each in model.metrics["compared"] if recipe == "classic" else ():
        say(f"{each['recipe']}: {each['accuracy']:.1%}; {each['tpir']:.1%} where 1 in 100 strangers gets a name.")
    if as_json:
        print_json({"model": model.id, "classes": model.classes, "threshold": model.threshold, **model.metrics})


@click.group(cls=Commands)
def recognisers() -> None:
    """List, choose, compare and export trained recognisers."""


@recognisers.command("list")
@JSON
@click.pass_context
def list_recognisers(ctx: click.Context, as_json: bool) -> None:
    """List all recognisers, newest first."""
    with library_of(ctx) as library:
        models = library.models.all()
    if as_json:
        print_json([_as_dict(model) for model in models])
    elif models:
        heads = ("Number", "Trained (UTC)", "People", "Recognised", "Misnamed", "Threshold", "", "Notes")
        print_table(heads, [_row(model) for model in models])
    else:
        say("No recogniser has been trained yet; name some people, then run `faceid train`.")


@recognisers.command("activate")
@NUMBER
@click.pass_context
def activate_one(ctx: click.Context, number: int) -> None:
    """Use the recogniser NUMBER from now on; `faceid undo` reverts that."""
    from faceid_core.steps.activate import activate

    with library_of(ctx) as library:
        _say_done(activate(library, number), f"Recogniser {number} is already in use.")


@recognisers.command("threshold")
@NUMBER
@click.argument("probability", type=float, required=False)
@click.option(
    "--one-in",
    type=int,
    metavar="N",
    help="Instead let 1 in N strangers get a name, N from 10 to 1000.",
)
@click.pass_context
def threshold(ctx: click.Context, number: int, probability: float | None, one_in: int | None) -> None:
    """Set the PROBABILITY (0 to 1) from which faces get a name.

    `faceid undo` reverts that.
    """
    if (probability is None) == (one_in is None):
        raise click.UsageError("Give a probability, or --one-in.", ctx)
    with library_of(ctx) as library:
        wanted = probability if probability is not None else _stored(library, number, one_in or 0)
        act = library.models.set_threshold(number, wanted)
        _say_done(act, f"That is already the threshold of recogniser {number}.")


@recognisers.command("note")
@NUMBER
@click.argument("text")
@click.pass_context
def note(ctx: click.Context, number: int, text: str) -> None:
    """Attach a note to the recogniser NUMBER; an empty TEXT removes it."""
    with library_of(ctx) as library:
        library.models.note(number, text)
    done = "Attached the note to" if text.strip() else "Removed the note of"
    say(f"{done} recogniser {number}.")


@recognisers.command("delete")
@NUMBER
@YES
@click.pass_context
def delete(ctx: click.Context, number: int, yes: bool) -> None:
    """Delete the recogniser NUMBER with its files, permanently."""
    with library_of(ctx) as library:
        library.models.get(number)
        ask(yes, "Nothing was deleted", question=f"Delete recogniser {number} permanently?")
        library.models.delete(number)
        left = [model.id for model in library.models.all() if model.is_active]
    in_use = f"recogniser {left[0]} is in use" if left else "none is left"
    say(f"Recogniser {number} was deleted; {in_use}.")


@recognisers.command("card")
@click.argument("number", type=IDENTITY, required=False)
@JSON
@click.pass_context
def card(ctx: click.Context, number: int | None, as_json: bool) -> None:
    """Print a recogniser's model card [default: the one in use].

    It says, in Markdown, what the recogniser was made from and how good it is.
    """
    from faceid_core.recognition.model_card import as_markdown, card_of

    with library_of(ctx) as library:
        found = card_of(_chosen(library, number))
    if as_json:
        print_json(found)
    else:
        put_lines(io.StringIO(as_markdown(found)))


@recognisers.command("compare")
@click.argument("numbers", type=IDENTITY, nargs=-1, required=True, metavar="NUMBER NUMBER...")
@JSON
@click.pass_context
def compare(ctx: click.Context, numbers: tuple[int, ...], as_json: bool) -> None:
    """Compare recognisers on faces that none of them learned from."""
    from faceid_core.steps import evaluate_recogniser

    with library_of(ctx) as library:
        found = evaluate_recogniser.compare(library, numbers)
    if as_json:
        print_json([each.as_dict() for each in found])
        return
    say(f"On {found[0].known:,} faces of people they know and {found[0].strangers:,} of strangers:")
    rows = [(each.model, *_shares(each.own), _percent(each.strict.tpir)) for each in found]
    print_table(("Number", "Recognised", "Misnamed", "Correct names", "Recognised at 1% misnamed"), rows)


@recognisers.command("suggest")
@click.option(
    "--accept", "precision", type=Real(0.5, 1), metavar="SHARE",
    help="Accept suggestions, so that this share of the names is right, such as 0.99; `faceid undo` reverts it.",
)  # fmt: skip
@JSON
@click.pass_context
def suggest(ctx: click.Context, precision: float | None, as_json: bool) -> None:
    """List names suggested for unnamed faces, surest first."""
    from faceid_core.steps import apply_recogniser

    with library_of(ctx) as library:
        found = apply_recogniser.propose(library)
        chosen = list(found.found)
        if precision is not None:
            chosen = found.above(apply_recogniser.threshold_for(library, found, precision))
            done = apply_recogniser.accept(library, chosen) if chosen else None
            say(f"{done.event.summary}." if done and done.event else "None of the suggestions is that sure.")
        paths = _photos_of(library, [each.face for each in chosen])
    if as_json:
        print_json([{**each.as_dict(), "photo": paths[each.face]} for each in chosen])
    elif chosen:
        rows = [(each.face, each.name, f"{each.probability:.1%}", _or(each), paths[each.face]) for each in chosen]
        print_table(("Face", "Name", "Probability", "Or", "Photo"), rows)
    elif precision is None:
        say(f"The recogniser knows nobody among the {found.of:,} unnamed faces.")


@recognisers.command("next")
@click.option(
    "--count", "most", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many to list at most."
)
@JSON
@click.pass_context
def next_faces(ctx: click.Context, most: int, as_json: bool) -> None:
    """List the unnamed faces whose names would help most."""
    from faceid_core.steps.next_to_name import next_to_name

    with library_of(ctx) as library:
        found = next_to_name(library, most)
        paths = _photos_of(library, [each.face for each in found])
    if as_json:
        print_json([{**each.as_dict(), "photo": paths[each.face]} for each in found])
    elif found:
        rows = [(each.face, f"{each.gain:.0f}", _perhaps(each), paths[each.face]) for each in found]
        print_table(("Face", "Helps with", "Perhaps", "Photo"), rows)
    else:
        say("No unnamed face would help the recogniser much.")


@recognisers.command("export")
@click.argument("target", type=PATH)
@click.argument("number", type=IDENTITY, required=False)
@click.pass_context
def export(ctx: click.Context, target: Path, number: int | None) -> None:
    """Write a recogniser to the new folder TARGET as ONNX and JSON.

    Without NUMBER, the one in use.
    """
    from faceid_core.steps.export_recogniser import export_recogniser

    with library_of(ctx) as library:
        export_recogniser(library, target, number)
    say(f"Written to {target}; docs/recognition.md has a program that uses it.")


def _chosen(library: Library, number: int | None) -> ModelView:
    return library.models.latest() if number is None else library.models.get(number)


def _stored(library: Library, number: int, one_in: int) -> float:
    from faceid_core.recognition.evaluation import CHOICES, threshold_for

    points = library.models.get(number).metrics.get("points") or ()
    found = threshold_for(points, one_in) if min(CHOICES) <= one_in <= max(CHOICES) else None
    if found is None:
        raise BadInput(
            f"Recogniser {number} has no threshold for 1 in {one_in}; choose 10 to 1000, or train again."
        )
    return found


def _say_done(act: Act, otherwise: str) -> None:
    say(f"{act.event.summary}." if act.event is not None else otherwise)


def _row(model: ModelView) -> tuple[Any, ...]:
    from faceid_core.recognition.model_card import rates_at

    rates = rates_at(model.metrics, model.threshold)
    in_use = "in use" if model.is_active else ""
    figures = (_percent(rates.tpir), _percent(rates.fpir), f"{model.threshold:.3f}")
    return (model.id, f"{model.at:%Y-%m-%d %H:%M}", len(model.classes), *figures, in_use, model.notes)


def _as_dict(model: ModelView) -> dict[str, Any]:
    from faceid_core.recognition.model_card import card_of

    return {"number": model.id, "in_use": model.is_active, "notes": model.notes, **card_of(model)}


def suggested_since(library: Library, face: int) -> dict[str, int]:
    """Say for how many faces newer than this one the recogniser in use suggests a name: {"suggested": how many}."""
    if not library.models.all():  # most first imports end here, without loading the recogniser
        return {}
    from faceid_core.steps.apply_recogniser import proposed_since

    number = proposed_since(library, face)
    if number:
        say(f"The recogniser suggests names for {count(number, 'new face')}; see `faceid recognisers suggest`.")
    return {} if number is None else {"suggested": number}


def _photos_of(library: Library, faces: list[int]) -> dict[int, str]:
    """The path of each face's photo."""
    found = library.faces.get_many(faces)
    paths = {number: library.photos.get(number).path for number in {face.photo_id for face in found}}
    return {face.id: paths[face.photo_id] for face in found}


def _or(each: Proposal) -> str:
    other = each.runner_up
    return f"{other.name} ({other.probability:.1%})" if other and other.probability >= 0.001 else "-"


def _perhaps(each: ToName) -> str:
    return f"{each.guess.name} ({each.guess.probability:.0%})" if each.guess else "-"


def _shares(point: Point) -> tuple[str, ...]:
    return tuple(map(_percent, (point.tpir, point.fpir, point.precision)))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
