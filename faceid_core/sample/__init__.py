"""Draws the sample album: invented people on invented photos, with ground truth.

May import the root.
"""

from faceid_core.sample.album import Album, TrueFace, draw_album, read_groundtruth

__all__ = ["Album", "TrueFace", "draw_album", "read_groundtruth"]
