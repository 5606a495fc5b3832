"""Nothing leaves the machine: environment variables that turn off telemetry and look-ups in all dependencies."""

from __future__ import annotations

import os

SILENT = {
    # ONNX Runtime sends telemetry from 1.32 on, and reads this only when it is imported (its Privacy.md).
    "ORT_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_SSR_MODE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    # Honoured by several libraries (consoledonottrack.com).
    "DO_NOT_TRACK": "1",
}
"""Environment variable -> the value that turns it off."""


def silence() -> None:
    """Set every variable for this process and its child processes. Call this before any other import."""
    os.environ.update(SILENT)
