"""LangChain's interfaces over the assistant."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import ConfigDict

from rag.answer import Answer


class EvidenceRetriever(BaseRetriever):
    """Evidence sentences as Documents; ``metadata`` holds the keys of a citation and the score."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    assistant: Any
    k: int = 5

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [
            Document(page_content=e.quote, metadata=asdict(e))
            for e in self.assistant.search(query, self.k).evidence
        ]


def answer_runnable(assistant: Any) -> Runnable[str | dict, Answer]:
    """From a question, or {"question", "history", "language"}, to an Answer."""

    def ask(given: str | dict) -> Answer:
        return assistant.ask(given) if isinstance(given, str) else assistant.ask(**given)

    return RunnableLambda(ask).with_config(run_name="mustanad")
