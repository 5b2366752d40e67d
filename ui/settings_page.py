"""Settings, feedback to take away, and what Mustanad is made of."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import gradio as gr

from models.catalogue import get_spec, load_catalogue
from models.fetch import states
from rag.settings import SettingsError
from ui import exports
from ui.desk import Desk
from ui.escape import attribute, escape, isolated, web_address
from ui.settings_file import change_settings
from ui.shell import downloads, language_of, user_of, word
from ui.texts import DIRECTION, Language, text

PACKAGES = ("gradio", "chromadb", "sentence-transformers", "llama-cpp-python", "langchain-core")
NO_MODEL = "none"


class SettingsPage:
    """Builds its components where it is made, inside a ``gr.Blocks``; then ``wire`` its events."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        with gr.Column(elem_id="mu-settings-page"):
            with gr.Group():
                self.model = gr.Dropdown(
                    model_choices(desk),
                    value=desk.settings.language_model,
                    label=word("settings_model"),
                    info=word("settings_model_info"),
                )
                self.length = gr.Slider(
                    32,
                    512,
                    value=desk.settings.answer_tokens,
                    step=16,
                    label=word("settings_length"),
                )
                self.evidence = gr.Slider(
                    1,
                    8,
                    value=desk.settings.evidence_sentences,
                    step=1,
                    label=word("settings_evidence"),
                )
            self.save = gr.Button(word("settings_save"), variant="primary", size="sm")
            with gr.Row():
                self.feedback = gr.Button(word("feedback_export"), size="sm")
                self.questions = gr.Button(word("feedback_questions"), size="sm")
            self.about = gr.HTML(js_on_load=None)

    @property
    def fresh_outputs(self) -> list:
        """What ``fresh`` fills."""
        return [self.about, self.model, self.length, self.evidence]

    def fresh(self, request: gr.Request) -> tuple:
        """The settings in force, the models that are there, and the about text."""
        settings = self.desk.settings
        return (
            about_html(self.desk, language_of(request)),
            gr.Dropdown(choices=model_choices(self.desk), value=settings.language_model),
            settings.answer_tokens,
            settings.evidence_sentences,
        )

    def wire(self, timer: gr.Timer, download: gr.Textbox) -> None:
        """Connect the events; ``timer`` shows the models loading again."""
        inputs = [self.model, self.length, self.evidence]
        self.save.click(self._save, inputs, timer, queue=False)
        downloads(self.feedback, self._feedback, [], download)
        downloads(self.questions, self._questions, [], download)

    def _save(self, model: str, length: int, evidence: int, request: gr.Request):
        changes = {
            "language_model": str(model),
            "answer_tokens": int(length),
            "evidence_sentences": int(evidence),
        }
        try:
            settings = change_settings(self.desk.home, changes)
        except (SettingsError, OSError) as error:
            gr.Warning(escape(str(error)))
            return gr.skip()
        self.desk.restart(settings)
        gr.Info(text("settings_saved", language_of(request)))
        return gr.Timer(active=True)

    def _feedback(self, request: gr.Request) -> tuple[str, str]:
        rated = self.desk.conversations.rated(user_of(request))
        return "feedback.jsonl", exports.feedback_lines(rated)

    def _questions(self, request: gr.Request) -> tuple[str, str]:
        rated = self.desk.conversations.rated(user_of(request))
        return "questions.jsonl", exports.question_lines(rated)


def model_choices(desk: Desk) -> list[tuple[str, str]]:
    """(shown, value) of the language models that can be used now, and of going without."""
    here = [
        (get_spec(s.name).title, s.name)
        for s in states()
        if s.kind == "language_model" and s.state in ("ready", "unverified")
    ]
    current = desk.settings.language_model
    if current not in (NO_MODEL, *(name for _, name in here)):
        known = load_catalogue()
        here.append((known[current].title if current in known else current, current))
    return [*here, (str(word("settings_no_model")), NO_MODEL)]


def about_html(desk: Desk, language: Language) -> str:
    """Versions, licences, where the data lies, and that nothing leaves the machine."""
    rows = [f"<dt>{text('about_version', language)}</dt><dd><bdi>{_versions()}</bdi></dd>"]
    used = (desk.settings.embedder, desk.settings.language_model)
    specs = [spec for name, spec in load_catalogue().items() if name in used]
    if specs:
        models = "<br>".join(
            f"{isolated(s.title)} — {_licence(s.licence, s.licence_url)}" for s in specs
        )
        rows.append(f"<dt>{text('about_models', language)}</dt><dd>{models}</dd>")
    fonts = "<bdi>IBM Plex Sans Arabic, Noto Naskh Arabic — SIL Open Font License 1.1</bdi>"
    rows.append(f"<dt>{text('about_fonts', language)}</dt><dd>{fonts}</dd>")
    folder = f'<code dir="ltr">{escape(str(desk.data_folder))}</code>'
    rows.append(f"<dt>{text('about_folder', language)}</dt><dd>{folder}</dd>")
    return (
        f'<section class="mu-about" dir="{DIRECTION[language]}"><h2>{text("about", language)}</h2>'
        f"<p>{text('about_private', language)}</p><dl>{''.join(rows)}</dl></section>"
    )


def _licence(name: str, url: str) -> str:
    address = web_address(url)
    if not address:
        return isolated(name)
    return (
        f'<a href="{attribute(address)}" target="_blank" rel="noopener noreferrer">'
        f"{isolated(name)}</a>"
    )


def _versions() -> str:
    found = []
    for package in ("mustanad", *PACKAGES):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:  # run from a folder that was not installed
            continue
    return escape(" · ".join(found))
