"""A scripted assistant, for tests of the page that need neither weights nor an archive on disk.

``python tests/scripted.py [PORT]`` serves the page over it, for looking at.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

from rag.answer import (
    Answer,
    AnswerReady,
    AnswerSentence,
    Citation,
    Event,
    Evidence,
    EvidenceFound,
    FoundPassage,
    OtherOutlet,
    Retrieved,
    Timings,
    Token,
)
from rag.ingest import IngestProgress, IngestReport
from rag.loaders import Unreadable
from rag.settings import Settings
from vectorstore.types import Article, ArticleSummary, Filters, StoreError

HOSTILE = (
    "<script>document.title='owned'</script>"
    '<img src="https://tracker.invalid/a.png" onerror="document.title=\'owned\'">'
    "![x](https://tracker.invalid/b.png) [اضغط](javascript:document.title='owned') "
    "<form action='https://tracker.invalid/c'><button>go</button></form>"
    "<div style=\"background:url('https://tracker.invalid/d.png')\">css</div> "
    "${document.title='owned'} {{constructor}} $$\\href{javascript:1}{x}$$ "
    "\u202eمقلوب\u202c **غامق** <b>عريض</b>"
)


def sample_articles() -> dict[str, Article]:
    """Invented news of an invented town, in both languages, and one hostile article."""
    return {
        "port": Article(
            path="/samples/port.txt",
            record="",
            text=(
                "أعلنت بلدية مرسى الورد اليوم افتتاح الرصيف الجديد.\n\n"
                "وقالت رئيسة البلدية سلمى الحاج إن كلفة الرصيف بلغت 12.5 مليون دينار، بزيادة 8% "
                "عن تقدير عام 2019. وأضافت أن شركة BlueQuay Ltd تولت البناء.\n\n"
                "ويستقبل الرصيف 40 قاربًا في اليوم، بحسب بيان البلدية.\n\n"
                + "وحضر الافتتاح جمع من الصيادين وأهل المدينة، وتحدث بعضهم عن انتظار طال.\n\n" * 14
                + "ومن المقرر أن يبدأ خط العبّارات في مارس المقبل، وفق ما قاله مدير الميناء."
            ),
            title="مرسى الورد تفتتح رصيفها الجديد",
            source="وكالة الساحل",
            date="2024-05-11",
            date_kind="published",
            url="https://example.org/port",
        ),
        "fish": Article(
            path="/samples/fish.md",
            record="",
            text=(
                "The fish market of Marsa al-Ward sold 310 tonnes in April.\n\n"
                'Its director, Karim Odeh, said that prices "held steady" (about 4 dinars).\n\n'
                "The Arabic name of the market, سوق السمك القديم, stays on the gate."
            ),
            title="Market sells 310 tonnes",
            source="The Ward Herald",
            date="2024-05-02",
            date_kind="extracted",
            language="en",
        ),
        "hostile": Article(
            path="/samples/hostile.html",
            record="",
            text=f"جملة أولى سليمة.\n\n{HOSTILE}\n\nجملة أخيرة سليمة.",
            title=HOSTILE,
            source=HOSTILE,
            date="2024-01-01",
            url="javascript:document.title='owned'",
        ),
    }


class ScriptedAssistant:
    """Answers by substring of the question; streams with ``delay`` seconds between words."""

    def __init__(
        self,
        articles: dict[str, Article] | None = None,
        *,
        delay: float = 0.02,
        hold: threading.Event | None = None,
    ) -> None:
        self._articles = sample_articles() if articles is None else dict(articles)
        self.delay = delay
        self.hold = hold  # where given, no word is said before it is set
        self.asked: list[dict] = []
        self.cancelled = threading.Event()
        self.running = 0
        self.closed = False
        self.settings = Settings()
        self.ingested: list[Path] = []
        self.store = SimpleNamespace(copies=lambda article_id: [])

    # --- archive ---------------------------------------------------------------------------------
    def articles(self, filters: Filters = Filters()) -> list[ArticleSummary]:  # noqa: B008
        return [
            ArticleSummary(
                article_id=key,
                path=a.path,
                record=a.record,
                title=a.title,
                source=a.source,
                author=a.author,
                date=a.date,
                date_kind=a.date_kind,
                url=a.url,
                language=a.language,
                characters=len(a.text),
            )
            for key, a in self._articles.items()
        ]

    def article(self, article_id: str) -> Article:
        if article_id not in self._articles:
            raise StoreError(f"There is no article {article_id!r}.")
        return self._articles[article_id]

    def ingest(self, paths: Sequence[Path], *, progress=None, cancel=None) -> IngestReport:
        """Text files become articles; anything else is skipped."""
        self.ingested.extend(paths)
        files, skipped = [p for p in paths if p.is_file()], []
        for done, path in enumerate(files):
            if progress:
                progress(IngestProgress("reading", done, len(files), str(path), 1.0, 1.0))
            if path.suffix == ".txt":
                text = path.read_text(encoding="utf-8")
                self._articles[path.stem] = Article(str(path), "", text, title=text.split("\n")[0])
            else:
                skipped.append(Unreadable(str(path), "not a text file"))
        added = len(files) - len(skipped)
        return IngestReport(added, 0, 0, 0, tuple(skipped), (), added, 0.1)

    def remove(self, article_ids: Sequence[str]) -> list[str]:
        return [key for key in article_ids if self._articles.pop(key, None)]

    def warm_up(self, progress: Callable[[str, float], None] | None = None) -> None:
        if progress:
            progress("loading", 1.0)

    def queued(self) -> int:
        return self.running

    def close(self) -> None:
        self.closed = True

    # --- answers ---------------------------------------------------------------------------------
    def evidence(self, article_id: str, quote: str, score: float = 0.9) -> Evidence:
        a = self._articles[article_id]
        start = a.text.index(quote)
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
            score,
        )

    def stream(
        self,
        question: str,
        *,
        language: str = "auto",
        filters: Filters = Filters(),  # noqa: B008
        history: Sequence = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Event]:
        self.asked.append({"question": question, "history": list(history), "filters": filters})
        self.running += 1
        try:
            answer = self._answer(question)
            found = Retrieved(question, answer.evidence, answer.passages)
            yield EvidenceFound(found)
            for word in answer.text.split(" "):
                while self.hold is not None and not self.hold.is_set():
                    if cancel is not None and cancel.wait(0.05):
                        break
                if cancel is not None and cancel.is_set():
                    self.cancelled.set()
                    return
                time.sleep(self.delay)
                yield Token(word + " ")
            yield AnswerReady(answer)
        finally:
            self.running -= 1

    def _answer(self, question: str) -> Answer:
        if "كلفة" in question or "رصيف" in question:
            return self._port(question)
        if "market" in question or "fish" in question:
            return self._market(question)
        if (added := self._articles.get("added")) and "added" in question:
            return self._quoted(question, "added", added.text.splitlines()[-1])
        if "hostile" in question:
            return self._hostile(question)
        return Answer(
            question=question,
            language="ar" if any("\u0600" <= c <= "\u06ff" for c in question) else "en",
            answered=False,
            text="",
            short=None,
            reason="not_in_archive",
            confidence=0.9,
            path="declined",
            passages=tuple(self._passage(k) for k in list(self._articles)[:2]),
        )

    def _passage(self, key: str) -> FoundPassage:
        a = self._articles[key]
        end = a.text.index("\n") if "\n" in a.text else len(a.text)
        return FoundPassage(key, a.title, a.source, a.date, 0, end, a.text[:end], 0.3)

    def _cite(self, n: int, evidence: Evidence, also: tuple[OtherOutlet, ...] = ()) -> Citation:
        e = evidence
        return Citation(
            n, e.article_id, e.title, e.source, e.date, e.url, e.path, e.start, e.end, e.quote, also
        )

    def _port(self, question: str) -> Answer:
        cost = self.evidence(
            "port",
            "وقالت رئيسة البلدية سلمى الحاج إن كلفة الرصيف بلغت 12.5 مليون دينار، بزيادة 8% "
            "عن تقدير عام 2019.",
        )
        ferry = self.evidence(
            "port", "ومن المقرر أن يبدأ خط العبّارات في مارس المقبل، وفق ما قاله مدير الميناء.", 0.7
        )
        first = "قالت رئيسة البلدية سلمى الحاج إن كلفة الرصيف بلغت 12.5 مليون دينار، بزيادة 8%."
        second = "ويبدأ خط العبّارات في مارس، بحسب مدير الميناء."
        third = "وتولت BlueQuay Ltd الإنارة أيضًا."
        return Answer(
            question=question,
            language="ar",
            answered=True,
            text=f"{first} [1] {second} [2] {third}",
            short="12.5 مليون دينار",
            reason=None,
            confidence=0.86,
            path="generated",
            sentences=(
                AnswerSentence(first, (1,), True, 0.97),
                AnswerSentence(second, (2,), True, 0.9),
                AnswerSentence(third, (), False, 0.1),
            ),
            citations=(
                self._cite(1, cost, (OtherOutlet("fish", "The Ward Herald", "2024-05-12", None),)),
                self._cite(2, ferry),
            ),
            evidence=(cost, ferry),
            timings=Timings(40.0, 2100.0, 6400.0),
        )

    def _market(self, question: str) -> Answer:
        e = self.evidence("fish", "The fish market of Marsa al-Ward sold 310 tonnes in April.")
        words = "The fish market of Marsa al-Ward (سوق السمك) sold 310 tonnes in April."
        return Answer(
            question=question,
            language="en",
            answered=True,
            text=f"{words} [1]",
            short="310 tonnes",
            reason=None,
            confidence=0.93,
            path="quoted",
            sentences=(AnswerSentence(words, (1,), True, 0.98),),
            citations=(self._cite(1, e),),
            evidence=(e,),
            timings=Timings(35.0, 1800.0, 3200.0),
        )

    def _quoted(self, question: str, key: str, quote: str) -> Answer:
        e = self.evidence(key, quote)
        return Answer(
            question=question,
            language="en",
            answered=True,
            text=f"{quote} [1]",
            short=None,
            reason=None,
            confidence=0.9,
            path="quoted",
            sentences=(AnswerSentence(quote, (1,), True, 1.0),),
            citations=(self._cite(1, e),),
            evidence=(e,),
        )

    def _hostile(self, question: str) -> Answer:
        e = self.evidence("hostile", HOSTILE)
        return Answer(
            question=question,
            language="ar",
            answered=True,
            text=f"{HOSTILE} [1]",
            short=HOSTILE,
            reason=None,
            confidence=0.5,
            path="generated",
            sentences=(AnswerSentence(HOSTILE, (1,), False, 0.2),),
            citations=(self._cite(1, e, (OtherOutlet("port", HOSTILE, HOSTILE, HOSTILE),)),),
            evidence=(e,),
            timings=Timings(1.0, 2.0, 3.0),
        )


def scripted_desk(home: Path, assistant: ScriptedAssistant | None = None, **options):
    """A desk over a scripted assistant: nothing is fetched or loaded."""
    from ui.desk import Desk

    scripted = assistant or ScriptedAssistant()
    return Desk(
        home,
        Settings(),
        open_assistant=lambda home, settings: scripted,
        fetch=lambda names, **_: None,
        samples=lambda: home / "articles",
        **options,
    )


def main() -> None:
    """Serve the page over the script until interrupted."""
    from ui import serve

    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    slow = ScriptedAssistant(delay=0.1)
    with tempfile.TemporaryDirectory() as home:
        serve(
            Path(home),
            Settings(language_model="none"),
            port=port,
            make_desk=lambda home, settings, demo: scripted_desk(home, slow, demo=demo),
        )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main()
