"""ExifTool, which writes XMP into photo files. It runs as a program of its own, and only where it is asked for."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from faceid_core.errors import ExifToolMissing, NotWritable

SECONDS = 60
"""ExifTool rewrites a photo in a fraction of a second; a file that keeps it busy for longer is left alone."""

INSTALL = "Install ExifTool (on Debian: apt install libimage-exiftool-perl), or write sidecars, without --embed."


@cache
def version() -> str:
    """Of the ExifTool that is installed. Raises ExifToolMissing."""
    if shutil.which("exiftool") is None:
        raise ExifToolMissing(f"Names can only be written into photos with ExifTool. {INSTALL}")
    # Nothing of the user's is in it, and the system's path decides where ExifTool lies.
    done = subprocess.run(  # nosec B603 B607
        ["exiftool", "-ver"], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise ExifToolMissing(f"ExifTool is installed but does not run. {INSTALL}")
    return done.stdout.strip()


def write_with_packet(photo: Path, packet: bytes, copy: Path) -> None:
    """Write a copy of a photo that has this XMP packet; nothing else in it changes. Raises NotWritable."""
    with tempfile.TemporaryDirectory(prefix="faceid-exiftool-") as scratch:
        block = Path(scratch) / "packet.xmp"
        block.write_bytes(packet)
        command = ["exiftool", "-q", "-q", "-o", str(copy.absolute()), f"-XMP<={block}", str(photo.absolute())]
        try:
            done = subprocess.run(  # nosec B603 - a list, so that no shell reads the file's name
                command, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise NotWritable("ExifTool took too long") from error
    if done.returncode or not copy.is_file():
        reason = done.stderr.strip().partition("\n")[0].removeprefix("Error: ").partition(" - ")[0]
        raise NotWritable(f"ExifTool can't write it ({reason or 'without a reason'})")
