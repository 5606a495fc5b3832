"""The terminal edge: progress bars, tables, JSON, and the sentence of an expected error."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from faceid_core.errors import FaceIdError, NoLibrary
from faceid_core.wording import UNSEEN, count, file_name, no_access, visible

if TYPE_CHECKING:
    from faceid_core.importing.report import ImportReport
    from faceid_core.library import Library
    from faceid_core.settings import Settings
    from faceid_core.values import Progress


JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
YES = click.option("--yes", "-y", is_flag=True, help="Don't ask.")
DAY = click.DateTime(["%Y-%m-%d"])
GIVE_PHOTOS = "give photos in JPEG, PNG, HEIC or a similar format."
NO_NAMES = "No one has a name yet; run `faceid serve` and name groups in the browser."
MOST_LINES = 20
"""How many lines of a list of problems are printed; --json prints all."""


class Refused(click.ClickException):
    """An expected error: its sentence on standard error, exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the sentence on standard error; `file` is ignored."""
        say(f"faceid: {self.message}")


class Interrupted(Refused):
    """Ctrl+C: what became of the work, and the exit code of a program that SIGINT ended."""

    exit_code = 130


class PlainLines(logging.Formatter):
    """Log records as text that can't control a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines, such as those of a traceback."""
        return "\n".join(map(visible, super().format(record).split("\n")))


class Commands(click.Group):
    """Shows each expected failure as one sentence; commands appear in the order of work, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands in the order in which they were added."""
        return list(self.commands)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the arguments. Raises Refused for an expected failure, Interrupted for Ctrl+C."""
        with _one_sentence():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises Refused for an expected failure, Interrupted for Ctrl+C."""
        with _one_sentence():
            return super().invoke(ctx)


class Sections(Commands):
    """Commands whose help lists them by task."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections: dict[str, tuple[click.Command, ...]] = {}

    def add_section(self, heading: str, *commands: click.Command) -> None:
        """Add commands under a heading, in the order in which the help lists them."""
        self.sections[heading] = commands
        for command in commands:
            self.add_command(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the headings with their commands, all in the same two columns."""
        width = max(map(len, self.commands))
        for heading, commands in self.sections.items():
            with formatter.section(heading):
                room = formatter.width - formatter.current_indent - width - 2
                formatter.write_dl([(f"{one.name:{width}}", one.get_short_help_str(room)) for one in commands])


class MaybeNumber(click.Command):
    """A command whose option --video may stand without its number, also before a path."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, a bare --video as --video=1."""
        given = [f"{arg}=1" if arg == "--video" and not _is_number(args[at + 1 : at + 2]) else arg
                 for at, arg in enumerate(args)]  # fmt: skip
        return super().parse_args(ctx, given)


def _is_number(args: Sequence[str]) -> bool:
    return bool(args) and args[0].replace(".", "", 1).isdecimal()


@contextmanager
def _one_sentence() -> Iterator[None]:
    try:
        yield
    except FaceIdError as error:
        raise Refused(str(error)) from error
    except (KeyboardInterrupt, click.Abort) as stop:  # Abort: at a question
        raise Interrupted("Stopped.") from stop
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise Refused(_usage(error)) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Refused(no_access(error)) from error


def _usage(error: click.UsageError) -> str:
    """Click's sentence and where the options are explained, in place of its three lines."""
    sentence = error.format_message()
    command = error.ctx.command_path if error.ctx else "faceid"
    if sentence.endswith("."):
        return f"{sentence[:-1]}; see `{command} --help`."
    return f"{sentence} See `{command} --help`."


def say(text: str) -> None:
    """A line for the person at the terminal; standard output stays free for results."""
    click.echo(visible(text), err=True)


def put(text: object) -> None:
    """A line of results on standard output: see put_lines."""
    put_lines([f"{text}\n"])


def put_lines(lines: Iterable[str]) -> None:
    """Results on standard output; each line ends in a line break.

    Names in them can't control a terminal; a pipe or file gets them as they are.
    """
    if sys.stdout.isatty():
        lines = (visible(line.rstrip("\r\n")) + "\n" for line in lines)
    sys.stdout.writelines(lines)
    sys.stdout.flush()  # here, where a closed pipe is an expected end


def say_first(lines: Sequence[str]) -> None:
    """The first MOST_LINES lines, and how many more there are. For commands with --json."""
    for line in lines[:MOST_LINES]:
        say(line)
    if len(lines) > MOST_LINES:
        say(f"… and {len(lines) - MOST_LINES:,} more; --json lists them all.")


def problem_line(path: str, name: str | None, reason: str) -> str:
    """The sentence about a name that could not be read or written: photo.jpg: “Ada”: the reason."""
    return f"{file_name(path)}: {f'“{name[:40]}”: ' if name else ''}{reason}."


def ask(yes: bool, otherwise: str, *, question: str = "Go ahead?") -> None:
    """Ask the question, unless --yes was given.

    Raises Refused after a no, and where nobody can answer. otherwise: what is then the case, without a full stop.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(f"{otherwise}; add --yes to go ahead.")
    if not click.confirm(question, err=True):
        raise Refused(f"{otherwise}.")


def new_password() -> str:
    """Typed twice at a terminal, or else the first line of standard input. Raises Refused if that is empty.

    Never an argument: other users of the machine can see those.
    """
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt="Repeat it", err=True)
        return password
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Refused("Give the password on standard input, or run this in a terminal to be asked for it.")
    return line


def print_json(value: Any) -> None:
    """One JSON document on standard output. What no terminal should get is escaped, as is half a character, such as
    a byte of a file's name that is no UTF-8."""
    lines = json.dumps(value, ensure_ascii=False, indent=1, default=str).split("\n")
    put_lines(UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", line) + "\n" for line in lines)


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A plain table on standard output. Cells are text, never markup."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headers, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for row in rows:
        table.add_row(*(Text("" if cell is None else visible(str(cell))) for cell in row))
    # A pipe gets whole lines: only a terminal has a width that a table must keep.
    console = Console(width=None if sys.stdout.isatty() else 200)
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip())


def import_summary(report: ImportReport) -> str:
    """What an import did, in one line; what did not happen is not mentioned."""
    others = (
        (report.unchanged, count(report.unchanged, "photo") + " already imported"),
        (report.renewed, count(report.renewed, "known photo") + " searched again"),
        (report.duplicates, count(report.duplicates, "duplicate")),
        (report.failed, count(report.failed, "file") + " skipped"),
    )
    parts = [f"{count(report.imported, 'photo')} imported with {count(report.faces, 'face')}"]
    if report.frames:
        parts.append(f"{count(report.frames, 'video frame')} among them")
    parts += [text for number, text in others if number]
    return f"{', '.join(parts)} ({report.seconds:.1f} s)."


@contextmanager
def progress_bar(unit: str = "") -> Iterator[Progress]:
    """A bar on standard error with the count, the rate in `unit` per second and the time left; only on a terminal.

    Without a unit: a few steps of unequal length, whose rate would say nothing.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        SpinnerColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f} {unit}/s" if task.speed else "")

    console = Console(stderr=True)
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
    ]
    columns += [Rate(), TimeRemainingColumn()] if unit else [TimeElapsedColumn()]
    # Not console.is_terminal: FORCE_COLOR would bring the bar into pipes and logs.
    shown = sys.stderr.isatty() and not console.is_dumb_terminal
    with RichProgress(*columns, console=console, transient=True, redirect_stdout=False, disable=not shown) as bar:
        task = bar.add_task("", total=None)

        def report(done: int, total: int, message: str = "") -> None:
            bar.update(task, completed=done, total=total or None, description=visible(message)[:40])

        yield report


def settings_of(ctx: click.Context, **overrides: Any) -> Settings:
    """The settings with what the command line overrides. Raises InvalidSetting.

    Unknown settings are reported here rather than at the start, so that help stays free of them; not by `doctor`,
    whose table lists them, nor by `work`, whose parent has reported them.
    """
    from faceid_core.settings import load
    from faceid_core.unknown_settings import report_unknown_settings

    if ctx.info_name not in ("doctor", "work"):
        report_unknown_settings(say)
    return load(library=ctx.obj, **overrides)


@contextmanager
def new_library_of(ctx: click.Context, **overrides: Any) -> Iterator[Library]:
    """The library, made where there is none."""
    from faceid_core.library import Library

    with Library.open(settings_of(ctx, **overrides)) as library:
        if library.read_only and ctx.info_name != "work":  # whose parent has said it
            say(library.read_only)
        yield library


@contextmanager
def library_of(ctx: click.Context) -> Iterator[Library]:
    """The library that is there: a mistyped folder must not become an empty one. Raises NoLibrary."""
    from faceid_core.library.store import database

    settings = settings_of(ctx)
    if not settings.library.is_file() and not database.exists(settings):
        raise NoLibrary(
            f"There is no library in {settings.library}; import photos first, or name its folder with --library."
        )
    with new_library_of(ctx) as library:
        yield library
