"""What the owner's rules say must not be kept any longer, and doing so. The rules are settings, all off by default.

The history tells how much went by which rule, and never whose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps import backups
from faceid_core.values import utc_now
from faceid_core.wording import count

KIND = "retention"
"""The kind of job."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a rule takes: how many of what. rule: such as "unnamed faces older than 90 days"."""

    rule: str
    number: int
    what: str

    def in_words(self) -> str:
        """Such as "3 faces: unnamed faces older than 90 days"."""
        return f"{self.what}: {self.rule}"


@dataclass(frozen=True, slots=True)
class Rule:
    """find: what is due now; carry_out: does it, given the sentence for the history."""

    text: str
    find: Callable[[], Sequence[object]]
    carry_out: Callable[[str], object]
    unit: tuple[str, str]

    def due(self) -> Due:
        """Counts, without names."""
        number = len(self.find())
        return Due(self.text, number, count(number, *self.unit))


def due(library: Library) -> list[Due]:
    """What each rule in force would take now."""
    return [rule.due() for rule in rules(library, utc_now())]


def apply(library: Library) -> list[Due]:
    """Do what is due. Returns what went, rule by rule; a rule with nothing to do leaves no line in the history.

    Raises LibraryBusy and NotWritable; the rules before have been carried out then.
    """
    done = []
    for rule in rules(library, utc_now()):
        found = rule.due()
        if found.number:
            rule.carry_out(f"Retention: {found.in_words()}")
        done.append(found)
    return done


def rules(library: Library, now: datetime) -> list[Rule]:
    """The rules in force, by the settings. now: UTC, without a zone."""
    settings = library.settings
    found = _consent_rules(library, settings.retention_consent, now)
    if days := settings.retention_unnamed_days:
        found.append(_faces_rule(library, "unnamed", days, now))
    if days := settings.retention_ignored_days:
        found.append(_faces_rule(library, "ignored", days, now))
    if days := settings.retention_temporary_days:
        found.append(_temporary_rule(library, days, now))
    if settings.retention_backup_days or settings.retention_backups:
        found.append(_backups_rule(library, now))
    return found


def is_due(library: Library, now: datetime) -> bool:
    """Whether the worker is to do today what is due (`retention_daily`)."""
    if not library.settings.retention_daily:
        return False
    last = library.jobs.last_started(KIND)
    return last is None or now - last >= timedelta(days=1)


def _consent_rules(library: Library, what: str, now: datetime) -> list[Rule]:
    today: date = now.replace(tzinfo=UTC).astimezone().date()

    def refuse(_: str) -> object:
        return library.consents.refuse_ended(today)

    def erase(_: str) -> None:
        for person in library.consents.ended(today):
            library.erasing.person(person, summary="Retention: 1 person: consent ended, erased")

    acts: dict[str, tuple[str, Callable[[str], object]]] = {
        "refuse": ("consent ended, now refused", refuse),
        "erase": ("consent ended, erased", erase),
    }
    if what not in acts:
        return []
    text, act = acts[what]
    return [Rule(text, lambda: library.consents.ended(today), act, ("person", "people"))]


def _faces_rule(library: Library, which: Literal["unnamed", "ignored"], days: int, now: datetime) -> Rule:
    text = f"{which}, imported more than {count(days, 'day')} ago"

    def find() -> list[int]:
        return library.faces.imported_before(now - timedelta(days=days), ignored=which == "ignored")

    def erase(summary: str) -> object:
        return library.erasing.faces(find(), summary=summary)

    return Rule(text, find, erase, ("face", "faces"))


def _temporary_rule(library: Library, days: int, now: datetime) -> Rule:
    def find() -> list[Path]:
        return _older(library.settings.temporary_folder, now - timedelta(days=days))

    def remove(summary: str) -> None:
        for path in find():
            path.unlink(missing_ok=True)
        library.journal.note(summary)

    return Rule(f"temporary, older than {count(days, 'day')}", find, remove, ("picture", "pictures"))


def _older(folder: Path, moment: datetime) -> list[Path]:
    """The files below a folder that were last written before this moment."""
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    limit = moment.replace(tzinfo=UTC).timestamp()
    return sorted(path for path in files if path.stat().st_mtime < limit)


def _backups_rule(library: Library, now: datetime) -> Rule:
    settings = library.settings

    def find() -> list[backups.Backup]:
        return _surplus(settings, now)

    def remove(summary: str) -> None:
        backups.delete(settings, find())
        library.journal.note(summary)

    days, kept = settings.retention_backup_days, settings.retention_backups
    parts = [f"older than {count(days, 'day')}"] if days else []
    parts += [f"beyond the newest {kept:,}"] if kept else []
    return Rule(" or ".join(parts), find, remove, ("backup", "backups"))


def _surplus(settings: Settings, now: datetime) -> list[backups.Backup]:
    days, kept = settings.retention_backup_days, settings.retention_backups
    limit = now - timedelta(days=days)
    newest_first = enumerate(backups.all_backups(settings))
    return [each for place, each in newest_first if (days and each.made_at < limit) or (kept and place >= kept)]
