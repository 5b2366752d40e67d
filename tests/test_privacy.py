"""Nothing reports usage: asserted outside the test runner, where nothing but loopback connects."""

from __future__ import annotations

# Entering by a room, never by the library itself, just as every program that uses Mustanad does.
IMPORT_EVERYTHING = """
import rag, ui
import chromadb, gradio, langchain_core, langchain_openai, llama_cpp, nncf, openvino
import sentence_transformers, trafilatura, transformers
"""


def test_the_guard_notices_what_leaves_even_from_a_thread_of_a_child(offline):
    code = """
import subprocess, sys
inner = '''
import threading, urllib.request
def report():
    try: urllib.request.urlopen("http://reports.invalid/")
    except OSError: pass
thread = threading.Thread(target=report); thread.start(); thread.join()
'''
subprocess.run([sys.executable, "-c", inner], check=True)
"""
    _, attempts = offline(code)
    assert "reports.invalid" in attempts


def test_the_guard_lets_loopback_through(offline):
    code = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(("localhost", server.getsockname()[1])).close()
"""
    assert offline(code) == ("", "")


def test_nncf_would_report_if_it_were_not_told(offline):
    """Else the next test would pass whatever privacy.py does."""
    code = """
import nncf, openvino, torch
model = openvino.convert_model(torch.nn.Linear(64, 64).eval(), example_input=torch.zeros(1, 64))
nncf.compress_weights(model)
import time; time.sleep(1)
"""
    _, attempts = offline(code)
    assert "analytics" in attempts


def test_importing_everything_by_way_of_a_room_reports_nothing(offline):
    code = f"""{IMPORT_EVERYTHING}
import torch
model = openvino.convert_model(torch.nn.Linear(64, 64).eval(), example_input=torch.zeros(1, 64))
nncf.compress_weights(model)
from gradio import analytics
assert not analytics.analytics_enabled()
from langsmith.utils import tracing_is_enabled
assert not tracing_is_enabled()
from huggingface_hub import constants
assert constants.HF_HUB_DISABLE_TELEMETRY and constants.HF_HUB_OFFLINE
from chromadb.config import Settings
assert Settings().anonymized_telemetry is False
import time; time.sleep(1)
"""
    _, attempts = offline(code)
    assert attempts == ""


def test_tracing_stays_off_where_the_user_has_it_on_for_other_work(offline):
    code = """
import rag
from langchain_core.runnables import RunnableLambda
print(RunnableLambda(str.upper).invoke("secret"))
import time; time.sleep(1)
"""
    written, attempts = offline(
        code,
        LANGSMITH_TRACING="true",
        LANGCHAIN_TRACING_V2="true",
        LANGSMITH_API_KEY="key",
        LANGSMITH_ENDPOINT="http://traces.invalid",
    )
    assert (written, attempts) == ("SECRET\n", "")
