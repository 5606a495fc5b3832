"""The published networks as ONNX graphs and sessions.

May import the root.
"""

__all__ = [
    "bfloat16",
    "centerface",
    "dlib_format",
    "face_recognition_process",
    "graphs",
    "quantised",
    "sessions",
    "torch_net",
    "weights",
]
