"""Question sets: JSON Lines and SQuAD files, checked strictly.

A question set knows no article ids: it names an article by its file's base name, its url or its
id, and quotes it. ``rag.evaluation.gold`` finds those quotes in one archive.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rag.language import detect_language
from rag.sentences import split_sentences

QuestionType = Literal[
    "fact",
    "number",
    "attribution",
    "list",
    "multi",
    "paraphrase",
    "unanswerable",
    "false_premise",
    "followup",
]
T = TypeVar("T", bound=BaseModel)
NonEmpty = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1)]


class EvaluationError(ValueError):
    """A question set, an archive or an output folder cannot be used; one clear line says why."""


@dataclass(frozen=True)
class GoldQuote:
    """Words that answer a question, in the article called ``doc`` (base name, url or id)."""

    doc: str
    quote: str


@dataclass(frozen=True)
class GoldParagraph:
    """SQuAD's gold: the paragraph ``text``, and its sentence ``text[start:end]``."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of a SQuAD file, which becomes an article; the title is that of its article."""

    title: str | None
    text: str


@dataclass(frozen=True)
class Question:
    """One question. ``must_include`` is a tuple of groups of alternatives: all groups, any of each.

    ``history`` holds the turns before it as {"role", "content"}. ``paragraph`` is set for SQuAD
    questions alone, ``evidence`` for the others alone.
    """

    id: str
    lang: str
    question: str
    type: QuestionType
    answers: tuple[str, ...] = ()
    must_include: tuple[tuple[str, ...], ...] = ()
    evidence: tuple[GoldQuote, ...] = ()
    claim_holder: str | None = None
    note: str | None = None
    history: tuple[dict[str, str], ...] = ()
    paragraph: GoldParagraph | None = None

    @property
    def answerable(self) -> bool:
        """Neither unanswerable nor built on a false premise."""
        return self.type not in ("unanswerable", "false_premise")

    def to_dict(self) -> dict[str, Any]:
        """All fields, for an item's record and its fingerprint."""
        return asdict(self)


@dataclass(frozen=True)
class QuestionSet:
    """Questions in the file's order; ``paragraphs`` is the archive that a SQuAD file brings."""

    questions: tuple[Question, ...]
    paragraphs: tuple[Paragraph, ...] = ()


class _Quote(BaseModel):
    model_config = ConfigDict(strict=True)
    doc: NonEmpty
    quote: NonEmpty


class _Turn(BaseModel):
    model_config = ConfigDict(strict=True)
    role: Literal["user", "assistant"]
    content: str


class _Row(BaseModel):
    """A line of a question set, exactly as the format has it."""

    model_config = ConfigDict(strict=True)
    id: NonEmpty
    lang: Literal["ar", "en"]
    question: NonEmpty
    type: QuestionType
    answers: list[NonEmpty] = []
    must_include: list[Annotated[list[NonEmpty], Field(min_length=1)]] = []
    evidence: list[_Quote] = []
    claim_holder: str | None = None
    note: str | None = None
    history: list[_Turn] | None = None


class _SquadAnswer(BaseModel):
    answer_start: int = Field(ge=0)
    text: NonEmpty


class _SquadQuestion(BaseModel):
    id: NonEmpty
    question: NonEmpty
    answers: list[_SquadAnswer] = []
    is_impossible: bool = False


class _SquadParagraph(BaseModel):
    context: NonEmpty
    qas: list[_SquadQuestion]


class _SquadArticle(BaseModel):
    title: str = ""
    paragraphs: list[_SquadParagraph]


class _Squad(BaseModel):
    data: list[_SquadArticle]


def is_squad(path: Path) -> bool:
    """Whether a file is SQuAD-format JSON: an object with a list "data" of "paragraphs"."""
    if not path.is_file() or path.suffix.lower() != ".json":
        return False
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        return False
    data = document.get("data") if isinstance(document, dict) else None
    return (
        isinstance(data, list)
        and bool(data)
        and all(isinstance(article, dict) and "paragraphs" in article for article in data)
    )


def load_questions(path: Path, archive: Path | None = None) -> QuestionSet:
    """Read a question set; ``archive``: a SQuAD file of another language, for its paragraphs.

    Raises EvaluationError with the line (JSON Lines) or the question's id (SQuAD).
    """
    if not path.is_file():
        raise EvaluationError(f"{path}: no such question set; expected JSON Lines or SQuAD JSON.")
    if is_squad(path):
        return _load_squad(path, archive or path)
    if archive is not None:
        raise EvaluationError(
            f"{archive} is a SQuAD file, but {path} is not: their questions cannot be paired."
        )
    return QuestionSet(_load_lines(path))


def _load_lines(path: Path) -> tuple[Question, ...]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path} is not UTF-8 text: {error}.") from error
    questions: dict[str, Question] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            document = json.loads(line)
        except json.JSONDecodeError as error:
            raise EvaluationError(f"{where}: not JSON: {error}.") from error
        row = _validated(_Row, document, where)
        _refuse_misspelt(document, where)
        if row.id in questions:
            raise EvaluationError(f"{where}: the id {row.id!r} was already used above.")
        questions[row.id] = Question(
            id=row.id,
            lang=row.lang,
            question=row.question,
            type=row.type,
            answers=tuple(row.answers),
            must_include=tuple(tuple(group) for group in row.must_include),
            evidence=tuple(GoldQuote(e.doc, e.quote) for e in row.evidence),
            claim_holder=row.claim_holder,
            note=row.note,
            history=tuple(turn.model_dump() for turn in row.history or ()),
        )
    if not questions:
        raise EvaluationError(f"{path} holds no question.")
    return tuple(questions.values())


def _refuse_misspelt(document: dict[str, Any], where: str) -> None:
    """Keys that the format does not know are left alone, unless they look like a slip of one."""
    for key in document.keys() - _Row.model_fields.keys():
        near = difflib.get_close_matches(key, _Row.model_fields, n=1, cutoff=0.8)
        if near:
            raise EvaluationError(f"{where}: unknown key {key!r}; did you mean {near[0]!r}?")


def _validated(model: type[T], document: object, where: str) -> T:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"])) or "the line"
        found = json.dumps(problem["input"], ensure_ascii=False, default=str)[:80]
        raise EvaluationError(f"{where}: {place}: {problem['msg']}; found {found}.") from error


def _read_squad(path: Path) -> _Squad:
    document = json.loads(path.read_text(encoding="utf-8-sig"))
    return _validated(_Squad, document, str(path))


def _load_squad(path: Path, archive: Path) -> QuestionSet:
    paragraphs: dict[str, Paragraph] = {}
    gold: dict[str, GoldParagraph | None] = {}
    for article in _read_squad(archive).data:
        for paragraph in article.paragraphs:
            text = paragraph.context
            paragraphs.setdefault(text, Paragraph(_squad_title(article.title), text))
            for entry in paragraph.qas:
                gold[entry.id] = _gold_sentence(text, entry, archive)
    entries = [
        entry
        for article in _read_squad(path).data
        for paragraph in article.paragraphs
        for entry in paragraph.qas
    ]
    if not entries:
        raise EvaluationError(f"{path} holds no question.")
    language = detect_language(" ".join(entry.question for entry in entries[:50]))
    questions: dict[str, Question] = {}
    for entry in entries:
        if entry.id not in gold:
            raise EvaluationError(
                f"{path}: question {entry.id!r} has no counterpart of that id in {archive}."
            )
        if entry.id in questions:
            raise EvaluationError(f"{path}: the id {entry.id!r} is used twice.")
        impossible = entry.is_impossible or gold[entry.id] is None
        answers = () if impossible else tuple(dict.fromkeys(a.text for a in entry.answers))
        questions[entry.id] = Question(
            id=entry.id,
            lang=language,
            question=entry.question,
            type="unanswerable" if impossible else "fact",
            answers=answers,
            # SQuAD has no must_include: an answer passes if it holds one of the gold answers of
            # the questions' own file, so in the language of the question.
            must_include=(answers,) if answers else (),
            paragraph=None if impossible else gold[entry.id],
        )
    return QuestionSet(tuple(questions.values()), tuple(paragraphs.values()))


def _squad_title(title: str) -> str | None:
    """A title as people write it: SQuAD has those of Wikipedia's addresses ("Beyonc%C3%A9_2")."""
    return " ".join(unquote(title).replace("_", " ").split()) or None


def _gold_sentence(context: str, entry: _SquadQuestion, path: Path) -> GoldParagraph | None:
    """The sentence that holds (most of) the first answer; None for an impossible question."""
    if entry.is_impossible or not entry.answers:
        return None
    answer = entry.answers[0]
    start, end = answer.answer_start, answer.answer_start + len(answer.text)
    if context[start:end] != answer.text:
        raise EvaluationError(
            f"{path}: question {entry.id!r}: the answer {answer.text!r} does not stand at "
            f"answer_start {start}; found {context[start:end]!r}."
        )
    best = max(
        split_sentences(context),
        key=lambda s: (min(end, s.end) - max(start, s.start), -s.start),
    )
    return GoldParagraph(context, best.start, best.end)
