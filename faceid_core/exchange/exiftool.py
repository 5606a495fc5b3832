"""Writes XMP into photo files with ExifTool, which runs as a separate program, and only on request."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from faceid_core.errors import ExifToolMissing, NotWritable

SECONDS = 60
"""Timeout. ExifTool normally rewrites a photo in a fraction of a second."""

INSTALL = "Install ExifTool (on Debian: apt install libimage-exiftool-perl), or write sidecars, without --embed."


@cache
def version() -> str:
    """Return the version of the installed ExifTool. Raises ExifToolMissing."""
    if shutil.which("exiftool") is None:
        raise ExifToolMissing(f"Names can only be written into photos with ExifTool. {INSTALL}")
    # The command contains no user input, and ExifTool is found through the system's PATH.
    done = subprocess.run(  # nosec B603 B607
        ["exiftool", "-ver"], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise ExifToolMissing(f"ExifTool is installed but does not run. {INSTALL}")
    return done.stdout.strip()


def write_with_packet(photo: Path, packet: bytes, copy: Path) -> None:
    """Write a copy of a photo with this XMP packet and no other changes. Raises NotWritable."""
    with tempfile.TemporaryDirectory(prefix="faceid-exiftool-") as scratch:
        block = Path(scratch) / "packet.xmp"
        block.write_bytes(packet)
        command = ["exiftool", "-q", "-q", "-o", str(copy.absolute()), f"-XMP<={block}", str(photo.absolute())]
        try:
            done = subprocess.run(  # nosec B603  # a list, so that no shell interprets the file name
                command, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise NotWritable("ExifTool took too long") from error
    if done.returncode or not copy.is_file():
        reason = done.stderr.strip().partition("\n")[0].removeprefix("Error: ").partition(" - ")[0]
        raise NotWritable(f"ExifTool can't write it ({reason or 'without a reason'})")
