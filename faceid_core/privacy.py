"""Nothing leaves the machine: the switches that keep every dependency from reporting or looking anything up."""

from __future__ import annotations

import os

SILENT = {
    # ONNX Runtime sends from 1.32 on, and reads this only while it is imported (its Privacy.md).
    "ORT_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_SSR_MODE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    # Asked by several libraries (consoledonottrack.com).
    "DO_NOT_TRACK": "1",
}
"""Environment variable -> the value that keeps quiet."""


def silence() -> None:
    """Set every switch, for this process and the processes that it starts. To be called before any other import."""
    os.environ.update(SILENT)
