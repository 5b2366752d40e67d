"""No component reports usage to anyone, and none fetches anything on its own.

Several libraries under Mustanad send reports, or look things up, unless told not to before they
are imported. ``models`` does that when it is imported itself, which every room above does first.
"""

from __future__ import annotations

import os
import sys

# Set whatever the user's environment says: an archive's text and questions are not for tracing.
REPORTS_OFF = {
    "DO_NOT_TRACK": "1",  # the common convention; huggingface_hub heeds it, too
    "ANONYMIZED_TELEMETRY": "False",  # Chroma
    "CHROMA_OTEL_COLLECTION_ENDPOINT": "",  # Chroma's traces
    "GRADIO_ANALYTICS_ENABLED": "False",  # also its look-up of newer versions
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, transformers, sentence-transformers
    "DISABLE_TELEMETRY": "1",  # older names of the same
    "NNCF_CI": "1",  # the only switch NNCF has: it reports everywhere but in its makers' CI
    "LANGSMITH_TRACING": "false",
    "LANGSMITH_TRACING_V2": "false",
    "LANGCHAIN_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
}

# Only if the user says nothing: loading from a folder must not ask the hub about it. Fetching
# weights does not heed these (``models.sources`` uses no hub client).
DOWNLOADS_OFF = {"HF_HUB_OFFLINE": "1"}


def disable_usage_reports() -> None:
    """Turn off every report for this process and its children. Cheap; calling twice is fine.

    OpenVINO and NNCF send through the package ``openvino_telemetry``, which takes silence for
    consent. Both go on without it when it cannot be imported, so here it cannot; consent files
    in the user's home are left as they are.
    """
    os.environ.update(REPORTS_OFF)
    for name, value in DOWNLOADS_OFF.items():
        os.environ.setdefault(name, value)
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
