"""From a question to passages and evidence sentences.

Dense and keyword search each bring candidate passages; their scores are added. The best of these
are read by late interaction: how near each token of the question comes to some token of a sentence
(ColBERT's MaxSim, Khattab and Zaharia 2020), of the sentence together with the one before it, which
may hold what a pronoun stands for, of both together with the first that was read of the article,
which mostly says what the story is about, as a question has to, and of the whole passage. In the
mean over the question's tokens those weigh least that come near to every sentence. That and a
sentence's own similarity order the sentences, and passages go by their best sentence. For a
question in one language over text in another the keyword part counts only what crosses languages
(figures, Latin strings, names and terms that the glossary translates), so it can help and hardly
hurt.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from models.protocols import Embedder
from models.token_vectors import TokenVectors, joined, nearest
from rag.answer import Retrieved
from rag.conversation import standalone
from rag.expectations import Expected, expected, meets
from rag.findings import (
    Candidate,
    Sentence,
    article_by_article,
    in_turn,
    on_average,
    one_a_story,
    reporting,
    without_repeats,
)
from rag.language import answer_language, detect_language
from rag.late_interaction import Reading, compare, telling_tokens
from rag.names import Glossary
from rag.parts import asks_of_several_articles, parts
from rag.preferences import Preferences
from rag.question_words import QuestionWords
from rag.signals import SIGNAL_SENTENCES, average, measure
from vectorstore.analysis import analyse
from vectorstore.store import Store
from vectorstore.types import Article, Filters, Passage, StoredPassage, UnknownArticle
from vectorstore.writing import passage_input

CANDIDATES = 50  # passages taken from each of the two searches
READ = 50  # passages whose sentences are ranked
# Of these, at most so many whose token vectors an earlier version did not keep: they are computed
# when they are needed, which takes some 100 ms a passage.
COMPUTED = 8
NEAREST = 10  # best passages that tell what all of them are about
LOOKED_AT = 40  # best sentences whose words are looked at for what is asked


@dataclass(frozen=True)
class Weights:
    """Weights of the scores; chosen on the dev half of XQuAD and on questions over made-up news.

    By hand, from a grid over both; ``python -m benchmarks.retrieval --tune`` tries others.

    Of a passage, beside its cosine: ``keyword`` of its BM25, as a share of the question's inverse
    document frequencies; ``nearness`` of its MaxSim; ``outlet`` and ``date`` for an article of an
    outlet or a time that the question names. Of a sentence: ``sentence`` of its cosine,
    ``passage`` of its passage's score, ``late`` of its MaxSim, ``context`` of that together with
    the sentence before it, ``lead`` of both together with the article's first sentence that was
    read, ``expected`` for holding the kind of words asked for, ``language`` of an article in the
    question's, whose words need no translation. All of these are of the size that lets a difference
    of .1 between two sentences mean little.
    """

    keyword: float = 0.3
    nearness: float = 1.3
    outlet: float = 0.1
    date: float = 0.1
    sentence: float = 1.0
    passage: float = 0.7
    late: float = 0.4
    context: float = 0.5
    lead: float = 0.6
    expected: float = 0.1
    language: float = 0.05


@dataclass(frozen=True)
class _Found:
    """Passages by their best sentence, and sentences: best first, in each only once."""

    words: QuestionWords
    candidates: list[Candidate]
    sentences: list[Sentence]
    readings: dict[int, Reading]  # by passage id


class Retriever:
    """Searches one store with one embedder."""

    def __init__(
        self,
        store: Store,
        embedder: Callable[[], Embedder],
        glossary: Glossary,
        weights: Weights | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._glossary = glossary
        self.weights = weights or Weights()

    def retrieve(
        self,
        question: str,
        *,
        filters: Filters | None = None,
        passages: int = 10,
        evidence: int = 10,
        before: str = "",
    ) -> Retrieved:
        """The best passages and evidence sentences, best first; ties by article and place.

        ``before``: what was asked before a follow-up, which is searched with it and by itself: what
        it points to may be in the earlier question, but what it asks is in its own words. Where a
        question asks several things, each part is searched by itself, one that leans on the others
        as a follow-up to them, and the findings are taken in turn.
        """
        started = time.perf_counter()
        filters = filters or Filters()
        found = [
            self._retrieve(part.question, part.context, filters, passages, evidence)
            for part in parts(question, before)
        ]
        if found:
            whole = Retrieved(
                question,
                tuple(in_turn([f.evidence for f in found], evidence, lambda e: e.quote)),
                tuple(in_turn([f.passages for f in found], passages, lambda p: p.quote)),
                before=before,
                signals=average([f.signals for f in found]),
                parts=tuple(found),
            )
        else:
            whole = self._retrieve(question, before, filters, passages, evidence)
        return replace(
            whole,
            dropped_undated=self._store.undated(filters),
            retrieve_ms=(time.perf_counter() - started) * 1000,
        )

    def _retrieve(
        self, question: str, before: str, filters: Filters, passages: int, evidence: int
    ) -> Retrieved:
        """What is found for one question."""
        whole = standalone(question, before)
        several_articles = asks_of_several_articles(question)
        deep = before or several_articles
        found = self._find(whole, filters, LOOKED_AT if deep else max(evidence, SIGNAL_SENTENCES))
        if before:
            alone = self._find(question, filters, LOOKED_AT)
            found = replace(
                found,
                sentences=on_average(found.sentences, alone.sentences),
                readings=found.readings | alone.readings,
            )
        sentences = found.sentences
        if several_articles:
            sentences = article_by_article(sentences)
        return Retrieved(
            question=question,
            evidence=tuple(s.evidence() for s in without_repeats(sentences, evidence)),
            passages=tuple(c.found() for c in one_a_story(found.candidates, passages)),
            before=before,
            signals=self._signals(whole, found),
        )

    def _find(self, question: str, filters: Filters, depth: int) -> _Found:
        """``depth``: how many sentences are wanted."""
        vector = self._embedder().embed_query(question)
        language = detect_language(question)
        words = QuestionWords(
            question,
            self.crossing_terms(question, language),
            language,
            lambda crossed: self.word_weights(question, crossed),
        )
        candidates = self._candidates(question, words, vector, filters)
        readings = self._read(question, candidates[:READ])
        sentences = self._rank_sentences(question, vector, readings)
        best = {s.candidate.passage.passage_id: s.candidate for s in sentences}  # in their order
        rest = [c for c in candidates if c.passage.passage_id not in best]
        return _Found(
            words,
            [*best.values(), *rest],
            without_repeats(reporting(sentences, question), depth),
            {r.candidate.passage.passage_id: r for r in readings},
        )

    def crossing_terms(self, question: str, language: str) -> str:
        """What of a question can be searched in text of the other language."""
        return self._glossary.crossing_terms(question, language)

    def word_weights(self, question: str, crossed: bool = False) -> dict[str, float]:
        """Share of each of a question's tokens in the sum of their inverse document frequencies.

        ``crossed``: of what of the question can be found in text of the other language.
        """
        if crossed:
            question = self.crossing_terms(question, detect_language(question))
        idf = self._idf(question)
        total = sum(idf.values())
        return {t: value / total for t, value in idf.items()}

    def weights_in(self, question: str, language: str) -> dict[str, float]:
        """``word_weights`` of a question for text of a language."""
        return self.word_weights(question, language != detect_language(question))

    def _idf(self, text: str) -> dict[str, float]:
        tokens = list(dict.fromkeys(analyse(text)))
        count = self._store.passage_count()
        frequencies = self._store.document_frequencies(tokens) if tokens else {}
        return {
            t: math.log1p((count - f + 0.5) / (f + 0.5))
            for t in tokens
            for f in (frequencies.get(t, 0),)
        }

    def _candidates(
        self, question: str, words: QuestionWords, vector: np.ndarray, filters: Filters
    ) -> list[Candidate]:
        """Passages by cosine, BM25 and what the question prefers, best first."""
        preferences = Preferences.of(question, self._store.sources())
        found: dict[int, StoredPassage] = {}
        cosine: dict[int, float] = {}
        keyword: dict[bool, dict[int, float]] = {False: {}, True: {}}
        totals = {crossed: sum(self._idf(words.text(crossed)).values()) for crossed in keyword}
        for narrowed in (filters, *preferences.narrowed(filters)):
            for passage, score in self._store.search_vectors(vector, CANDIDATES, narrowed):
                found[passage.passage_id] = passage
                cosine[passage.passage_id] = score
            for crossed, scores in keyword.items():
                hits = []
                if totals[crossed]:
                    text = words.text(crossed)
                    hits = self._store.search_keywords(text, CANDIDATES, narrowed)
                for passage, score in hits:
                    found[passage.passage_id] = passage
                    scores[passage.passage_id] = score / totals[crossed]
        if missing := [i for i in found if i not in cosine]:
            rows = self._store.passage_vectors(missing)
            cosine |= {i: float(row @ vector) for i, row in rows.items()}
        articles = self._articles({p.article_id for p in found.values()})
        candidates = []
        for i, passage in found.items():
            article = articles.get(passage.article_id)
            if article is None or i not in cosine:  # removed since it was found
                continue
            score = (
                cosine[i]
                + self.weights.keyword * keyword[article.language != words.language].get(i, 0.0)
                + self.weights.outlet * preferences.outlet_matches(article)
                + self.weights.date * preferences.date_matches(article)
            )
            candidates.append(Candidate(passage, article, cosine[i], score))
        return sorted(candidates, key=lambda c: c.order)

    def _articles(self, ids: Iterable[str]) -> dict[str, Article]:
        """Articles by id; one that was removed meanwhile is left out."""
        articles = {}
        for article_id in ids:
            with suppress(UnknownArticle):
                articles[article_id] = self._store.get(article_id).article
        return articles

    def _read(self, question: str, candidates: Sequence[Candidate]) -> list[Reading]:
        """Candidates whose token vectors there are, compared with the question."""
        asked = self._embedder().embed_query_tokens(question).vectors
        tokens = self._tokens(candidates)
        known = [c for c in candidates if c.passage.passage_id in tokens]
        parts = [tokens[c.passage.passage_id] for c in known]
        near = nearest(asked, joined(parts))  # at once: many small products cost far more
        ends = np.cumsum([len(part.counts) for part in parts])[:-1]
        return compare(known, np.split(near, ends, axis=1) if known else (), self.weights.nearness)

    def _tokens(self, candidates: Sequence[Candidate]) -> dict[int, TokenVectors]:
        """Token vectors by passage id: as they are kept, or computed where they are not."""
        kept = self._store.token_vectors([c.passage.passage_id for c in candidates])
        missing = [c for c in candidates if c.passage.passage_id not in kept][:COMPUTED]
        for c in missing:
            alone = [Passage(s.start, s.end, (s,)) for s in c.passage.sentences]
            inputs = [passage_input(c.article.title, c.article.text, one) for one in alone]
            made = [v.tokens for v in self._embedder().embed_passages(inputs)]
            kept[c.passage.passage_id] = joined(made)
        return kept

    def _rank_sentences(
        self, question: str, vector: np.ndarray, readings: Sequence[Reading]
    ) -> list[Sentence]:
        """All sentences of the passages that were read, best first."""
        rows = self._store.sentence_vectors([r.candidate.passage.passage_id for r in readings])
        w = self.weights
        telling = telling_tokens([r.near for r in readings[:NEAREST]])
        language = answer_language(question)
        found: list[Sentence] = []
        for reading in readings:
            c = reading.candidate
            if c.passage.passage_id not in rows:  # removed since it was found
                continue
            cosines = rows[c.passage.passage_id] @ vector
            late, context = telling @ reading.near, telling @ reading.context
            scores = w.sentence * cosines + w.late * late + w.context * context
            scores = scores + w.lead * (telling @ reading.lead)
            scores = scores + w.language * (c.article.language == language)
            scores = np.round(scores.astype(float) + w.passage * c.score, 4)
            found += [
                Sentence(c, i, float(score), float(cosines[i]), float(late[i]))
                for i, score in enumerate(scores)
            ]
        ranked = sorted(found, key=lambda s: s.order)
        if expected(question) is Expected.ANYTHING:
            return ranked
        best = [
            replace(s, score=round(s.score + w.expected * meets(s.quote, question), 4))
            for s in ranked[:LOOKED_AT]
        ]
        return sorted(best, key=lambda s: s.order) + ranked[LOOKED_AT:]

    def _signals(self, question: str, found: _Found) -> dict[str, float]:
        if not found.sentences:
            return {}
        near = found.readings[found.sentences[0].candidate.passage.passage_id].near
        return measure(
            question, found.sentences, found.candidates, near, found.words, self._glossary
        )
