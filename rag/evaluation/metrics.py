"""Metrics of one question: ranks, citations, the verdict on an answer. Pure functions.

Answers and retrieval are read in their JSON form (``Answer.to_dict``, ``Retrieved.to_dict``), so
that other systems can be scored by the same code. ``rag.evaluation.aggregate`` sums them up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rag.evaluation.gold import Gold, Place
from rag.evaluation.matching import asserts_premise, in_language, is_refusal, token_f1, too_long
from rag.evaluation.matching import unmet_groups as unmet
from rag.evaluation.questions import Question

COVERED = 0.5  # of the shorter of two spans
HIT_AT = (1, 3, 5, 10)
EVIDENCE_HIT_AT = (1, 5)
RECALL_AT = (5, 8)


def covers(start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether two spans [start, end) of one text share half of the shorter or more."""
    shorter = min(end - start, other_end - other_start)
    shared = min(end, other_end) - max(start, other_start)
    return shorter > 0 and shared >= COVERED * shorter


def on_gold(span: Mapping[str, Any], places: Sequence[Place], whole_article: bool = False) -> bool:
    """Whether a span {"article_id", "start", "end"} covers one of the places."""
    return any(
        span["article_id"] == place.article_id
        and (whole_article or covers(span["start"], span["end"], place.start, place.end))
        for place in places
    )


def ranks(
    spans: Sequence[Mapping[str, Any]], gold: Sequence[Gold], passages: bool = False
) -> list[int | None]:
    """For each gold quote the rank (from 1) of the first span on it; None if there is none.

    ``passages``: the spans are passages, for which a SQuAD question's gold is its whole paragraph.
    """
    return [
        next(
            (
                rank
                for rank, span in enumerate(spans, start=1)
                if on_gold(span, quote.places, passages and quote.whole_article)
            ),
            None,
        )
        for quote in gold
    ]


def hit_at(found: Sequence[int | None], k: int) -> float:
    """1.0 if any gold quote is among the first ``k`` spans, else 0.0."""
    return float(any(rank is not None and rank <= k for rank in found))


def recall_at(found: Sequence[int | None], k: int) -> float:
    """Share of the gold quotes that are among the first ``k`` spans."""
    return sum(rank is not None and rank <= k for rank in found) / len(found)


def reciprocal_rank(found: Sequence[int | None]) -> float:
    """1 / rank of the first span on any gold quote; 0.0 without one."""
    first = min((rank for rank in found if rank is not None), default=None)
    return 1 / first if first else 0.0


def declined(answer: Mapping[str, Any]) -> bool:
    """Whether an answer is a decline, or a refusal in words whatever it calls itself."""
    return not answer["answered"] or is_refusal(answer["answer"])


def answerability(answer: Mapping[str, Any]) -> float:
    """How likely the system thought an answer to exist: its confidence, or 1 - it if declined."""
    confidence = float(answer["confidence"])
    return confidence if answer["answered"] else 1 - confidence


def problems(question: Question, answer: Mapping[str, Any], sources: Sequence[str]) -> list[str]:
    """Why an answer does not pass, a line a reason; empty if it passes.

    ``sources`` are texts that it may have quoted (evidence, passages), to count quoted sentences.
    unanswerable: it must be declined. Otherwise: answered, every ``must_include`` group met, not
    too long, and for a false premise the premise not asserted.
    """
    if question.type == "unanswerable":
        return [] if declined(answer) else ["answered, but the archive does not say"]
    if declined(answer):
        return ["declined"]
    text = answer["answer"]
    found = [
        "says none of: " + " | ".join(question.must_include[i])
        for i in unmet(text, question.must_include)
    ]
    found += too_long(text, sources, question.type)
    if question.type == "false_premise":
        truth = [*question.answers, question.claim_holder or ""]
        truth += [quote.quote for quote in question.evidence]
        truth += [one for group in question.must_include for one in group]
        if asserts_premise(text, question.question, truth):
            found.append("asserts the false premise")
    return found


def judged(question: Question) -> bool:
    """Whether a question tells right answers from wrong ones."""
    return not question.answerable or bool(question.must_include)


def retrieval_verdicts(gold: Sequence[Gold], retrieved: Mapping[str, Any]) -> dict[str, Any]:
    """Ranks of the gold among passages and evidence; no keys for a question without gold."""
    if not gold:
        return {}
    return {
        "passage_ranks": ranks(retrieved["passages"], gold, passages=True),
        "evidence_ranks": ranks(retrieved["evidence"], gold),
    }


def answer_verdicts(
    question: Question,
    gold: Sequence[Gold],
    answer: Mapping[str, Any],
    sources: Sequence[str],
    texts: Mapping[str, str],
) -> dict[str, Any]:
    """All verdicts on an answer.

    ``texts``: the text of each cited article by id; a citation of an article that is not among
    them does not resolve. "cited_on_gold" has an entry a citation, and is null for declines and
    questions without gold; "sentences_on_gold" pairs each cited sentence's support with whether
    one of its citations is on gold.
    """
    is_declined = declined(answer)
    why = problems(question, answer, sources) if judged(question) else None
    verdicts: dict[str, Any] = {
        "declined": is_declined,
        "answerability": answerability(answer),
        "pass": None if why is None else not why,
        "problems": why or [],
        "token_f1": None,
        "language_ok": in_language(answer["answer"], question.lang) if answer["answer"] else None,
        "cited_on_gold": None,
        "resolvable": None,
        "sentences_on_gold": [],
    }
    if question.answerable and question.answers:
        verdicts["token_f1"] = 0.0 if is_declined else token_f1(answer["short"], question.answers)
    if is_declined:
        return verdicts
    citations = answer["citations"]
    if citations:
        verdicts["resolvable"] = all(
            texts.get(c["article_id"], "")[c["start"] : c["end"]] == c["quote"] for c in citations
        )
    if gold:
        places = [place for quote in gold for place in quote.places]
        cited = [on_gold(c, places) for c in citations]
        good = {c["n"] for c, is_good in zip(citations, cited, strict=True) if is_good}
        verdicts["cited_on_gold"] = cited
        verdicts["sentences_on_gold"] = [
            [sentence["support"], not good.isdisjoint(sentence["citations"])]
            for sentence in answer["sentences"]
            if sentence["citations"]
        ]
    return verdicts
