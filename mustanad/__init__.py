"""Mustanad: a private librarian for Arabic news. The front door.

``from mustanad import Assistant`` opens your archive; everything that most programs need is
exported here by name. Nothing heavy is loaded until a name is used, so ``import mustanad`` costs
a few milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mustanad.shadowing import refuse_shadows

if TYPE_CHECKING:
    from models.protocols import Embedder, LanguageModel, ModelError
    from rag.answer import (
        Answer,
        AnswerReady,
        AnswerSentence,
        Citation,
        Evidence,
        EvidenceFound,
        Retrieved,
        Token,
    )
    from rag.assistant import Assistant
    from rag.settings import Settings, SettingsError, default_home, load_settings
    from vectorstore.types import Article, ArticleSummary, Filters, StoreError

__version__ = "0.1.0"

_HOME_OF = {
    "Answer": "rag.answer",
    "AnswerReady": "rag.answer",
    "AnswerSentence": "rag.answer",
    "Article": "vectorstore.types",
    "ArticleSummary": "vectorstore.types",
    "Assistant": "rag.assistant",
    "Citation": "rag.answer",
    "Embedder": "models.protocols",
    "Evidence": "rag.answer",
    "EvidenceFound": "rag.answer",
    "Filters": "vectorstore.types",
    "LanguageModel": "models.protocols",
    "ModelError": "models.protocols",
    "Retrieved": "rag.answer",
    "Settings": "rag.settings",
    "SettingsError": "rag.settings",
    "StoreError": "vectorstore.types",
    "Token": "rag.answer",
    "default_home": "rag.settings",
    "load_settings": "rag.settings",
}

__all__ = [
    "Answer",
    "AnswerReady",
    "AnswerSentence",
    "Article",
    "ArticleSummary",
    "Assistant",
    "Citation",
    "Embedder",
    "Evidence",
    "EvidenceFound",
    "Filters",
    "LanguageModel",
    "ModelError",
    "Retrieved",
    "Settings",
    "SettingsError",
    "StoreError",
    "Token",
    "__version__",
    "default_home",
    "load_settings",
]


def __getattr__(name: str) -> Any:
    """Load an exported name from its room at first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mustanad' has no attribute {name!r}")
    refuse_shadows()
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
