"""Says what this machine lacks before any time is spent.

Run by the system's Python with nothing installed, and kept readable by versions older than the
one Mustanad needs, so that these too get a sentence instead of a SyntaxError.

    python3 scripts/preflight.py [--port PORT]
"""

import argparse
import os
import shutil
import socket
import sys

PYTHON_NEEDED = (3, 11)
# Measured on Linux x86-64: 2.6 GB of packages, 2.4 GB of weights, 1.2 GB passing while they are
# put together, 0.4 GB for the converted embedder.
PACKAGES_GB = 3.0
WEIGHTS_GB = 4.5
MEMORY_GB = 6.0  # both models loaded, and the embedder's one-time conversion


def python_problem():
    """Too old a Python, or one without the modules that make a virtual environment."""
    if sys.version_info < PYTHON_NEEDED:
        return (
            f"Python {'.'.join(map(str, PYTHON_NEEDED))} or newer is needed, found "
            f"{sys.version.split()[0]} ({sys.executable}). Install one, then: "
            "make PYTHON=/path/to/python3.11 …"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            f"this Python ({sys.executable}) cannot make virtual environments. "
            "On Debian or Ubuntu: apt install python3-venv"
        )
    return None


def compiler_problem():
    """llama-cpp-python is compiled on this machine; CMake and Ninja come with its build."""
    c = os.environ.get("CC") or next(filter(shutil.which, ("cc", "gcc", "clang", "cl")), None)
    cxx = os.environ.get("CXX") or next(filter(shutil.which, ("c++", "g++", "clang++", "cl")), None)
    missing = [name for name, found in (("C", c), ("C++", cxx)) if not found]
    if missing:
        return (
            f"no {' and no '.join(missing)} compiler found; the language model's runtime is "
            "compiled here, once. "
            "Debian or Ubuntu: apt install build-essential · Fedora: dnf install gcc-c++ · "
            "macOS: xcode-select --install"
        )
    return None


def disk_problem(folder, needed_gb, purpose, remedy):
    """Too little room for ``purpose`` on the disk that holds ``folder`` (or will)."""
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    free = shutil.disk_usage(folder).free / 1e9
    if free < needed_gb:
        return (
            f"{purpose} need about {needed_gb:.1f} GB of free disk at {folder}, "
            f"found {free:.1f} GB. {remedy}"
        )
    return None


def memory_problem():
    """Too little memory in all; said only where the system tells."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        return None
    if total < MEMORY_GB:
        return f"about {MEMORY_GB:.0f} GB of memory are needed, found {total:.1f} GB."
    return None


def port_problem(port):
    """The page's port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return (
                f"port {port} cannot be used ({error.strerror}). "
                f"Choose another: make chat PORT={port + 1}"
            )
    return None


def weights_folder():
    """Where the weights will lie, as models/fetch.py decides it (which needs packages)."""
    home = os.path.expanduser("~")
    if sys.platform == "darwin":
        cache = os.path.join(home, "Library", "Caches")
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    return os.environ.get("MUSTANAD_MODELS") or os.path.join(cache, "mustanad", "models")


def problems(installed, port=None):
    """Everything that would stop the set-up later. ``installed``: the packages are there."""
    weights = weights_folder()
    unfinished = (".partial", ".rejected", ".converted")
    there = os.path.isdir(weights) and any(
        not name.endswith(unfinished) and os.path.isdir(os.path.join(weights, name))
        for name in os.listdir(weights)
    )
    found = [python_problem(), memory_problem()]
    if not installed:
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        found += [compiler_problem(), disk_problem(root, PACKAGES_GB, "the packages", "Free some.")]
    if not there:
        remedy = "Free some, or point MUSTANAD_MODELS at a folder on a larger disk."
        found.append(disk_problem(os.path.abspath(weights), WEIGHTS_GB, "the weights", remedy))
    if port is not None:
        found.append(port_problem(port))
    return [problem for problem in found if problem]


def main():
    """Print every problem on stderr; the exit code is 1 if there is one."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, help="the page's port, if it will be served")
    parser.add_argument("--installed", action="store_true", help="the packages are there")
    arguments = parser.parse_args()
    found = problems(arguments.installed, arguments.port)
    for problem in found:
        sys.stderr.write(f"mustanad: {problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
