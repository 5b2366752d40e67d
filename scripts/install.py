"""Installs Mustanad and everything it needs into .venv; does nothing where nothing has changed.

    python3 scripts/install.py [--test] [--port PORT]

Run by the system's Python. A stamp in .venv holds a digest of what the installation depends on,
so that from the second time on this costs a tenth of a second.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import preflight

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "mustanad-installed")
STILL_THERE_SECONDS = 30


def say(text):
    """A line of progress, at once even through a pipe."""
    sys.stderr.write(f"mustanad: {text}\n")
    sys.stderr.flush()


def digest(extra):
    """Of everything the installation depends on, and of where it lies (venvs cannot be moved)."""
    parts = [extra, ROOT]
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(ROOT, name), encoding="utf-8") as stream:
            parts.append(stream.read())
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()


def installed(extra):
    """Whether .venv holds just this, with the tests' needs or (if not asked for) without."""
    try:
        with open(STAMP, encoding="utf-8") as stream:
            stamp = stream.read().strip()
    except OSError:
        return False
    return stamp in ({digest("test")} if extra else {digest(""), digest("test")})


def run(what, command):
    """Run a command quietly, with a sign of life now and then; exit with its output if it fails."""
    say(what)
    started = time.monotonic()
    finished = threading.Event()

    def sign_of_life():
        while not finished.wait(STILL_THERE_SECONDS):
            say(f"… still at it after {time.monotonic() - started:.0f} s")

    threading.Thread(target=sign_of_life, daemon=True).start()
    try:
        result = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    finally:
        finished.set()
    if result.returncode != 0:
        sys.stderr.write(result.stdout)
        say(f"failed: {' '.join(command)}")
        say("the lines above say why; run the same make command again once that is mended")
        sys.exit(1)


def answers(command):
    """Whether a command exists and succeeds; what it writes is of no interest."""
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def install(extra):
    """Make .venv if need be and bring it to what pyproject.toml and constraints.txt say."""
    if not answers([VENV_PYTHON, "-m", "pip", "--version"]):
        run("making .venv", [sys.executable, "-m", "venv", "--clear", VENV])
    pip = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["-c", "constraints.txt"]
    # The two long waits go first, each with a line of its own.
    with open(os.path.join(ROOT, "constraints.txt"), encoding="utf-8") as stream:
        pins = [line.split("#")[0].strip() for line in stream]
    for name, what in (
        ("torch", "installing PyTorch (some hundred megabytes)"),
        ("llama_cpp_python", "compiling llama.cpp for this machine (about 5 minutes, once)"),
    ):
        pin = next(pin for pin in pins if pin.startswith(name + "=="))
        found = f"importlib.metadata.version({name!r}).split('+')[0]"  # "+cpu" is no other version
        check = f"import importlib.metadata; assert {found} == {pin.split('==')[1]!r}"
        if not answers([VENV_PYTHON, "-c", check]):
            run(what, [*pip, pin])
    wanted = ".[test]" if extra else "."
    run("installing the other packages (1 to 3 minutes)", [*pip, "-e", wanted])
    with open(STAMP, "w", encoding="utf-8") as stream:
        stream.write(digest(extra))
    say("installed")


def main():
    """Check the machine, then install what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--test", action="store_true", help="also what the tests need")
    parser.add_argument("--port", type=int, help="the page's port, to be checked first")
    arguments = parser.parse_args()
    extra = "test" if arguments.test else ""
    there = installed(extra)
    found = preflight.problems(installed=there, port=arguments.port)
    for problem in found:
        say(problem)
    if found:
        return 1
    if not there:
        install(extra)
    return 0


if __name__ == "__main__":
    sys.exit(main())
