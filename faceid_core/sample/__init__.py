"""Draws the synthetic album for the demo and the tests."""

from faceid_core.sample.album import Album, TrueFace, draw_album, read_groundtruth

__all__ = ["Album", "TrueFace", "draw_album", "read_groundtruth"]
