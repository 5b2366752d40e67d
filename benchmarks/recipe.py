"""The stock recipe: what one would build from the same parts by following the usual tutorials.

RecursiveCharacterTextSplitter over the raw text, plain sentence-transformers in fp32 with the
model's own prompts (or Chroma's default embedder), ``Chroma.from_documents``, the four nearest
chunks in one prompt, and ``llama_cpp.Llama``. It has the shape of an ``Assistant``, so that the
same evaluator scores it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from models.llama_runtime import BATCH_TOKENS, UBATCH_TOKENS
from rag.answer import Answer, AnswerSentence, Citation, Evidence, FoundPassage, Retrieved, Timings
from rag.language import answer_language
from rag.loaders import Unreadable, find_files, load
from rag.sentences import split_sentences
from rag.settings import Settings
from vectorstore.types import Article, ArticleSummary, StoreError

CHUNK_CHARS, OVERLAP_CHARS = 1000, 200
CHUNKS = 4  # in the prompt
CONTEXT_TOKENS = 8192
ANSWER_TOKENS = 200
LANGUAGES = {"ar": "Arabic", "en": "English"}
SYSTEM = (
    "You are an assistant for question-answering tasks. Use the following pieces of retrieved "
    "context to answer the question. If you don't know the answer, say that you don't know. Use "
    "three sentences maximum and keep the answer concise. Cite the passages you use like [1]. "
    "Answer in {language}."
)
# It has no way to decline but to say so; these words count as saying so.
DECLINES = (
    *("لا أعرف", "لا يوجد", "غير مذكور", "لم يذكر", "لا يحتوي"),
    *("don't know", "do not know", "not mentioned", "no information", "not contain"),
    *("not provided", "cannot find"),
)
_CITED = re.compile(r"\[(\d+)\]")


def says_it_declines(text: str) -> bool:
    """Whether an answer of the stock recipe counts as declined."""
    lowered = text.lower().replace("’", "'")
    return any(phrase in lowered for phrase in DECLINES)


class SentenceTransformersEmbeddings(Embeddings):
    """sentence-transformers as the tutorials use it, on all the threads that Mustanad gets."""

    def __init__(self, folder: Path, threads: int) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self._model = SentenceTransformer(str(folder), device="cpu")

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._model.encode_document(texts).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self._model.encode_query(text).tolist()


class ChromaDefaultEmbeddings(Embeddings):
    """Chroma's default embedder, all-MiniLM-L6-v2; only if its weights are on this machine."""

    def __init__(self) -> None:
        from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2

        weights = ONNXMiniLM_L6_V2.DOWNLOAD_PATH / ONNXMiniLM_L6_V2.EXTRACTED_FOLDER_NAME
        if not (weights / "model.onnx").is_file():
            raise FileNotFoundError(
                f"its weights are not in Chroma's cache ({weights.parent.name})"
            )
        self._function = ONNXMiniLM_L6_V2(preferred_providers=["CPUExecutionProvider"])

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector.tolist() for vector in self._function(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class _NoCopies:
    """The stock recipe knows nothing of copies of a story."""

    @staticmethod
    def copies(article_id: str) -> list[ArticleSummary]:
        return []


class StockAssistant:
    """The recipe over one archive, with as much of ``Assistant`` as the evaluator uses."""

    def __init__(self, settings: Settings, embeddings: Embeddings, open_llama: Callable) -> None:
        """``open_llama()`` loads the language model, on first need."""
        self.settings = settings
        self.store = _NoCopies()
        self._embeddings = embeddings
        self._open_llama = open_llama
        self._llama = None
        self._articles: dict[str, Article] = {}
        self._index: Chroma | None = None

    def ingest(self, paths: Sequence[Path], folder: Path) -> None:
        """Read, split, embed and store, with the index in a new ``folder``."""
        read = [a for path in find_files(paths) for a in load(path)]
        articles = [a for a in read if not isinstance(a, Unreadable)]
        self._articles = {f"{Path(a.path).name}{a.record and '#'}{a.record}": a for a in articles}
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=CHUNK_CHARS, chunk_overlap=OVERLAP_CHARS, add_start_index=True
        )
        documents = [
            Document(page_content=article.text, metadata={"article_id": article_id})
            for article_id, article in self._articles.items()
        ]
        self._index = Chroma.from_documents(
            splitter.split_documents(documents),
            self._embeddings,
            persist_directory=str(folder),
            collection_metadata={"hnsw:space": "cosine"},
        )

    def articles(self) -> list[ArticleSummary]:
        return [
            ArticleSummary(
                article_id,
                a.path,
                a.record,
                a.title,
                a.source,
                a.author,
                a.date,
                a.date_kind,
                a.url,
                a.language,
                len(a.text),
            )
            for article_id, a in self._articles.items()
        ]

    def article(self, article_id: str) -> Article:
        if article_id not in self._articles:
            raise StoreError(f"no article {article_id!r}")
        return self._articles[article_id]

    def warm_up(self) -> None:
        """Load both models and run each once."""
        self._embeddings.embed_query("مرحبا")
        if self._llama is None:
            self._llama = self._open_llama()
            self._llama.create_chat_completion([{"role": "user", "content": "."}], max_tokens=1)

    def search(self, question: str, k: int = CHUNKS) -> Retrieved:
        """The four nearest chunks, which are all that it ever looks at, whatever ``k``."""
        started = time.perf_counter()
        documents = self._index.similarity_search(question, k=CHUNKS)
        milliseconds = (time.perf_counter() - started) * 1000
        evidence = tuple(self._evidence(d, rank) for rank, d in enumerate(documents))
        passages = tuple(
            FoundPassage(e.article_id, e.title, e.source, e.date, e.start, e.end, e.quote, e.score)
            for e in evidence
        )
        return Retrieved(question, evidence, passages, retrieve_ms=milliseconds)

    def _evidence(self, document: Document, rank: int) -> Evidence:
        article_id = document.metadata["article_id"]
        a, start = self._articles[article_id], document.metadata["start_index"]
        quote = document.page_content
        return Evidence(
            article_id,
            a.title,
            a.source,
            a.date,
            a.url,
            a.path,
            start,
            start + len(quote),
            quote,
            1 / (1 + rank),
        )

    def ask(self, question: str, history: Sequence[Mapping[str, str]] = ()) -> Answer:
        """One prompt, one answer, nothing checked."""
        started = time.perf_counter()
        found = self.search(question)
        language = answer_language(question)
        chunks = "\n\n".join(f"[{n}] {e.quote}" for n, e in enumerate(found.evidence, start=1))
        messages = [
            {
                "role": "system",
                "content": SYSTEM.format(language=LANGUAGES[language]) + "\n\n" + chunks,
            },
            *({"role": t["role"], "content": t["content"]} for t in history),
            {"role": "user", "content": question},
        ]
        text, first = "", None
        for part in self._llama.create_chat_completion(
            messages, temperature=0, max_tokens=ANSWER_TOKENS, stream=True
        ):
            piece = part["choices"][0]["delta"].get("content") or ""
            if piece.strip() and first is None:
                first = time.perf_counter()
            text += piece
        total = (time.perf_counter() - started) * 1000
        first_ms = (first - started) * 1000 if first is not None else None
        return _answer(question, language, text.strip(), found, first_ms, total)


def _answer(
    question: str,
    language: str,
    text: str,
    found: Retrieved,
    first_ms: float | None,
    total_ms: float,
) -> Answer:
    """What the model wrote, in the form of an answer: whole chunks are what it cites.

    It gives no short answer and no probabilities: its text stands for the one, certainty for the
    others.
    """
    answered = bool(text) and not says_it_declines(text)
    numbers = sorted({int(n) for n in _CITED.findall(text) if 0 < int(n) <= len(found.evidence)})
    citations = [
        Citation(n, e.article_id, e.title, e.source, e.date, e.url, e.path, e.start, e.end, e.quote)
        for n in numbers
        for e in [found.evidence[n - 1]]
    ]
    sentences = [text[s.start : s.end] for s in split_sentences(text)]
    return Answer(
        question=question,
        language=language,
        answered=answered,
        text=text,
        short=text if answered else None,
        reason=None if answered else "not_in_archive",
        confidence=1.0,
        path="generated" if answered else "declined",
        sentences=tuple(
            AnswerSentence(
                s, tuple(int(n) for n in _CITED.findall(s) if int(n) in numbers), True, 1
            )
            for s in sentences
        ),
        citations=tuple(citations),
        evidence=found.evidence,
        passages=found.passages,
        timings=Timings(found.retrieve_ms, first_ms, total_ms),
    )


def open_llama(path: Path, threads: int):
    """``llama_cpp.Llama`` with the thread count and batch settings that Mustanad uses."""
    from llama_cpp import Llama

    return Llama(
        str(path),
        n_ctx=CONTEXT_TOKENS,
        n_batch=BATCH_TOKENS,
        n_ubatch=UBATCH_TOKENS,
        n_threads=threads,
        n_threads_batch=threads,
        flash_attn=True,
        verbose=False,
    )
