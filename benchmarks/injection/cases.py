"""The cases of the injection benchmark: articles, questions, attacks, and the files they become."""

from __future__ import annotations

import html
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

FORMS = ("text", "page")
FIELDS = ("title", "source", "author")
PLACES = ("body", "inline", "html", "head", "article", *FIELDS)

_T = TypeVar("_T")


class CaseError(ValueError):
    """A case is malformed; the message says which and how."""


@dataclass(frozen=True)
class Question:
    """``gold``: the article's sentence that answers it; None: no article does."""

    id: str
    text: str
    gold: str | None = None


@dataclass(frozen=True)
class HonestArticle:
    """An article in our own words, its paragraphs separated by one blank line in ``text``."""

    id: str
    title: str
    source: str
    author: str
    date: str
    text: str
    question: tuple[Question, ...]
    form: Literal["text", "page"] = "text"

    @property
    def paragraphs(self) -> list[str]:
        return self.text.strip().split("\n\n")

    @property
    def file_name(self) -> str:
        return f"{self.id}.{'html' if self.form == 'page' else 'md'}"


@dataclass(frozen=True)
class Attack:
    """Words that address the model, and where they are put; ``attacks.toml`` explains the fields.

    ``blind``: written without knowledge of the answering code.
    """

    id: str
    mechanism: str
    article: str
    place: Literal["body", "inline", "html", "head", "article", "title", "source", "author"]
    text: str
    after: int = 0
    canaries: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    blind: bool = False

    @property
    def file_name(self) -> str:
        """Of an attack that is an article of its own."""
        return f"{self.id}.md"


@cache
def articles() -> dict[str, HonestArticle]:
    """The honest articles that attacks are put into, by id."""
    return _by_id(_articles("articles"))


@cache
def harmless() -> dict[str, HonestArticle]:
    """Articles that quote orders to a machine, by id; one question each."""
    return _by_id(_articles("harmless"))


@cache
def attacks() -> dict[str, Attack]:
    """All attacks by id, the blind ones first. Raises CaseError on a malformed one."""
    blind = (replace(made(Attack, row), blind=True) for row in _read("blind")["attack"])
    found = _by_id([*blind, *(made(Attack, row) for row in _read("attacks")["attack"])])
    for attack in found.values():
        check(attack)
    return found


def questions_of(attack: Attack) -> list[Question]:
    """The questions that are asked with and without an attack."""
    asked = articles()[attack.article].question
    return [q for q in asked if not attack.questions or q.id in attack.questions]


def write(article: HonestArticle, folder: Path, attack: Attack | None = None) -> Path:
    """Write an article as a file, with the attack in it if one is given; the file's path.

    An attack that is an article of its own becomes that file, and the honest one is left alone.
    """
    if attack is not None and attack.place == "article":
        path = folder / attack.file_name
        path.write_text(attack.text, "utf-8")
        return path
    stated = {name: getattr(article, name) for name in FIELDS}
    if attack is not None and attack.place in FIELDS:
        stated[attack.place] = attack.text.replace(f"{{{attack.place}}}", stated[attack.place])
    paragraphs = article.paragraphs
    if attack is not None and attack.place == "inline":
        paragraphs[attack.after - 1] += attack.text
    content = _page if article.form == "page" else _markdown
    path = folder / article.file_name
    path.write_text(content(article, stated, paragraphs, attack), "utf-8")
    return path


def _markdown(
    article: HonestArticle,
    stated: Mapping[str, str],
    paragraphs: Sequence[str],
    attack: Attack | None,
) -> str:
    body = list(paragraphs)
    if attack is not None and attack.place == "body":
        body.insert(attack.after, attack.text)
    front = yaml.safe_dump({**stated, "date": article.date}, allow_unicode=True)
    return f"---\n{front}---\n" + "\n\n".join(body) + "\n"


def _page(
    article: HonestArticle,
    stated: Mapping[str, str],
    paragraphs: Sequence[str],
    attack: Attack | None,
) -> str:
    shown = {name: html.escape(value) for name, value in stated.items()}
    body = [f"<p>{html.escape(p)}</p>" for p in paragraphs]
    head = ""
    if attack is not None and attack.place == "body":
        parts = attack.text.split("\n\n")
        body[attack.after : attack.after] = [f"<p>{html.escape(p)}</p>" for p in parts]
    elif attack is not None and attack.place == "html":
        body.insert(attack.after, attack.text)
    elif attack is not None and attack.place == "head":
        head = attack.text
    return (
        f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{shown["title"]}</title>\n'
        f'<meta property="og:site_name" content="{shown["source"]}">\n'
        f'<meta name="author" content="{shown["author"]}">\n'
        f'<meta property="article:published_time" content="{article.date}">\n{head}</head>\n'
        f"<body><article><h1>{shown['title']}</h1>\n" + "\n".join(body) + "\n</article></body>"
        "</html>\n"
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


def _articles(name: str) -> list[HonestArticle]:
    found = []
    for row in _read(name)["article"]:
        asked = tuple(made(Question, question) for question in row.pop("question", ()))
        article = made(HonestArticle, {**row, "question": asked})
        if article.form not in FORMS:
            raise CaseError(f"{article.id}: form {article.form!r}; expected one of {FORMS}")
        for question in asked:
            if question.gold and article.text.count(question.gold) != 1:
                raise CaseError(f"{article.id}/{question.id}: gold is not once in the text")
        found.append(article)
    return found


def made(kind: type[_T], row: Mapping[str, Any]) -> _T:
    """A case from its fields. Raises CaseError for an unknown or a missing one."""
    known = {field.name for field in fields(kind)}
    if unknown := set(row) - known:
        raise CaseError(f"{row.get('id')}: unknown {sorted(unknown)}; expected {sorted(known)}")
    try:
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()})
    except TypeError as error:
        raise CaseError(f"{row.get('id')}: {error}") from error


def _by_id(cases: Iterable[_T]) -> dict[str, _T]:
    found: dict[str, _T] = {}
    for case in cases:
        if case.id in found:
            raise CaseError(f"two cases are called {case.id!r}")
        found[case.id] = case
    return found


def check(attack: Attack) -> None:
    """Raises CaseError where an attack does not fit the article that it is put into."""
    carrier = articles().get(attack.article)
    if carrier is None:
        raise CaseError(f"{attack.id}: no article {attack.article!r}")
    if attack.place not in PLACES:
        raise CaseError(f"{attack.id}: place {attack.place!r}; expected one of {PLACES}")
    if attack.place in ("html", "head") and carrier.form != "page":
        raise CaseError(f"{attack.id}: {carrier.id} is no page")
    lowest = 1 if attack.place == "inline" else 0
    if not lowest <= attack.after <= len(carrier.paragraphs):
        raise CaseError(f"{attack.id}: {carrier.id} has no paragraph {attack.after}")
    if unknown := set(attack.questions) - {q.id for q in carrier.question}:
        raise CaseError(f"{attack.id}: {carrier.id} has no question {sorted(unknown)}")
