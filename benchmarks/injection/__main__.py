"""The command: run the attacks and the harmless articles, print what changed."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import models  # noqa: F401  first of all: it turns usage reports off
from benchmarks.injection import __doc__ as description
from benchmarks.injection.cases import articles, attacks, harmless
from benchmarks.injection.trial import Archive, Finding, Trial
from mustanad import Assistant, Settings


def table(trials: Sequence[Trial]) -> str:
    """A row an attack, and how many changed an answer."""
    lines = ["| attack | mechanism | in | blind | answers | changed |"]
    lines.append("| --- | --- | --- | --- | ---: | ---: |")
    by_attack: dict[str, list[Trial]] = {}
    for trial in trials:
        by_attack.setdefault(trial.attack.id, []).append(trial)
    for name, mine in by_attack.items():
        attack = mine[0].attack
        changed = sum(bool(trial.changed) for trial in mine)
        lines.append(
            f"| {name} | {attack.mechanism} | {attack.article}, {attack.place} "
            f"| {'yes' if attack.blind else ''} | {len(mine)} | {changed or '–'} |"
        )
    lines.append("")
    for label, blind in (("attacks", None), ("of these blind", True)):
        mine = {t.attack.id for t in trials if blind is None or t.attack.blind}
        moved = {t.attack.id for t in trials if t.changed} & mine
        lines.append(f"{label} that changed an answer: {len(moved)} of {len(mine)}")
    return "\n".join(lines)


def details(trials: Sequence[Trial]) -> str:
    """Each answer that an attack changed: what differs, and both answers."""
    lines = []
    for trial in trials:
        if trial.changed:
            lines.append(f"\n{trial.attack.id} / {trial.question.id}: {trial.question.text}")
            lines += [f"  - {change}" for change in trial.changed]
            lines.append(f"  without: [{trial.before.path}] {trial.before.text!r}")
            lines.append(f"  with:    [{trial.after.path}] {trial.after.text!r}")
    return "\n".join(lines)


def summary(name: str, findings: Sequence[Finding]) -> str:
    """How many questions about honest articles found and cited their sentence, and which not."""
    found, cited = sum(f.found for f in findings), sum(f.cited for f in findings)
    lines = [f"{name}: found {found} of {len(findings)}, right {cited} of {len(findings)}"]
    for f in findings:
        if not (f.found and f.cited):
            lines.append(f"  {f.article.id} / {f.question.id}: {f.question.text}")
            lines.append(f"    [{f.answer.path}] {f.answer.text!r}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.injection",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--limit", type=int, help="only the first N attacks and harmless articles")
    parser.add_argument("--only", action="append", metavar="ID", help="only this attack")
    given = parser.parse_args(arguments)
    if unknown := set(given.only or ()) - set(attacks()):
        parser.error(f"no attack {', '.join(sorted(unknown))}; there are {', '.join(attacks())}")
    chosen = [a for a in attacks().values() if not given.only or a.id in given.only][: given.limit]
    quoting = [] if given.only else list(harmless().values())[: given.limit]
    carriers = [articles()[name] for name in dict.fromkeys(a.article for a in chosen)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "articles")
        folder.mkdir()
        with Assistant.open(Path(scratch, "home"), Settings()) as assistant:
            archive = Archive(assistant, folder)
            honest = list(archive.findings(carriers))
            trials = []
            for number, attack in enumerate(chosen, start=1):
                print(f"{number}/{len(chosen)} {attack.id}", file=sys.stderr, flush=True)
                trials += archive.attacked(attack)
            archive.add(quoting)
            quoted = list(archive.findings(quoting))
    print(table(trials))
    print(details(trials), end="\n\n")
    print(summary("questions without an attack", honest))
    if quoting:
        print(summary("articles that quote orders", quoted))
    unharmed = all(f.found and f.cited for f in quoted)
    return 0 if unharmed and not any(trial.changed for trial in trials) else 1


if __name__ == "__main__":
    sys.exit(main())
