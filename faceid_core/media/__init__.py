"""Reads files: upright pixels, dates, metadata and video frames.

May import the root.
"""

__all__ = [
    "admission",
    "annotate",
    "folders",
    "formats",
    "images",
    "left_out",
    "orientation",
    "small_file",
    "source",
    "uploaded",
    "video",
    "xmp",
    "zipped",
]
