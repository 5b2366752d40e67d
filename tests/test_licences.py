"""No dependency's licence may reach into Mustanad's own (MIT) or into its users' work."""

from __future__ import annotations

import importlib.metadata as metadata
import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ACCEPTED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause",
    "BSL-1.0", "CC0-1.0", "CNRI-Python", "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-1.1",
    "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
}  # fmt: skip

# How licences were written before there were SPDX expressions. Whole strings, not patterns: an
# unknown wording must be looked at.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "OSI Approved :: Apache Software License": "Apache-2.0",
    "OSI Approved :: BSD License": "BSD",
    "OSI Approved :: ISC License (ISCL)": "ISC",
    "OSI Approved :: MIT License": "MIT",
    "OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "OSI Approved :: Python Software Foundation License": "PSF-2.0",
}

# Packages whose metadata does not say it in a way that can be read, looked at one by one.
REVIEWED = {
    "axe-playwright-python": "states none, but ships the MIT licence; its axe-core is MPL-2.0",
    "tiktoken": "the field holds the text of the MIT licence",
}


def dependencies(
    name: str, extras: frozenset[str] = frozenset()
) -> dict[str, metadata.Distribution]:
    """Everything installed that a distribution needs, and what that needs in turn, by name."""
    found: dict[str, metadata.Distribution] = {}
    todo, seen = [(name, extras)], set()
    while todo:
        current, wanted = todo.pop()
        if (current, wanted) in seen:
            continue
        seen.add((current, wanted))
        try:
            distribution = metadata.distribution(current)
        except metadata.PackageNotFoundError:
            continue  # of another platform, or optional and not chosen
        found[canonicalize_name(current)] = distribution
        for line in distribution.requires or []:
            requirement = Requirement(line)
            environments = [{"extra": extra} for extra in wanted] or [{"extra": ""}]
            if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
                todo.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return found


def stated_licences(about: metadata.PackageMetadata) -> list[str]:
    """What a package says its licence is: the expression, else the classifiers, else the field."""
    if expression := about.get("License-Expression"):
        return [expression]
    prefix = "License :: "
    classifiers = [
        line.removeprefix(prefix)
        for line in about.get_all("Classifier") or []
        if line.startswith(prefix) and not line.endswith("DFSG approved")
    ]
    return classifiers or [about.get("License") or "nothing"]


def acceptable(licence: str) -> bool:
    """Whether an SPDX expression (or an older wording of one) leaves an accepted way.

    All sides of an AND must be accepted, one side of an OR.
    """
    licence = SPDX.get(licence, licence).strip()
    if licence in ACCEPTED:
        return True
    while inner := re.search(r"\(([^()]*)\)", licence):  # innermost brackets first
        verdict = "MIT" if acceptable(inner.group(1)) else "refused"
        licence = licence[: inner.start()] + verdict + licence[inner.end() :]
    for operator, judge in ((" OR ", any), (" AND ", all)):
        if operator in licence:
            return judge(acceptable(part) for part in licence.split(operator))
    return licence in ACCEPTED


@pytest.mark.parametrize(
    ("licence", "verdict"),
    [
        ("MIT", True),
        ("Apache 2.0 License", True),
        ("MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("MIT AND (GPL-3.0-only OR AGPL-3.0-only)", False),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-or-later", False),
        ("OSI Approved :: GNU Affero General Public License v3", False),
        ("nothing", False),
        ("whatever one likes", False),
    ],
)
def test_licences_are_judged(licence, verdict):
    assert acceptable(licence) is verdict


def test_every_dependency_has_an_acceptable_licence():
    found = dependencies("mustanad", frozenset({"", "test"}))
    found.pop("mustanad", None)
    assert {"chromadb", "gradio", "torch", "numpy", "pytest"} <= set(found)
    refused = {
        name: stated_licences(distribution.metadata)
        for name, distribution in found.items()
        if name not in REVIEWED
        and not all(acceptable(licence) for licence in stated_licences(distribution.metadata))
    }
    assert refused == {}


def test_reviewed_packages_are_still_in_use():
    assert set(REVIEWED) <= set(dependencies("mustanad", frozenset({"", "test"})))
