"""The web application around the page: its assets, its guard, and Gradio mounted inside."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before Gradio is imported

import gradio as gr  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from fastapi.staticfiles import StaticFiles  # noqa: E402

from ui.app import build_app  # noqa: E402
from ui.desk import Desk  # noqa: E402
from ui.security import PageGuard  # noqa: E402
from ui.theme import page_theme  # noqa: E402

UPLOAD_LIMIT = "200mb"


def assets() -> Path:
    """The folder of the page's own files."""
    return Path(str(resources.files("ui") / "assets"))


def make_application(
    desk: Desk, *, users: dict[str, str] | None = None, hosts: frozenset[str] | None = None
) -> FastAPI:
    """The whole application; ``users`` sign in by name and password, none means no sign-in.

    ``hosts``: names the page answers to, None for any.
    """
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    application.mount("/own", StaticFiles(directory=assets()))
    gr.mount_gradio_app(
        application,
        build_app(desk),
        path="/",
        auth=list(users.items()) if users else None,
        footer_links=[],
        run_history=False,
        favicon_path=str(assets() / "favicon.png"),
        max_file_size=UPLOAD_LIMIT,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        i18n=page_i18n(),
        theme=page_theme(),
    )
    application.add_middleware(PageGuard, hosts=hosts)
    return application


def page_i18n() -> gr.I18n:
    """The page's words for Gradio's own components."""
    from ui.texts import translations

    return gr.I18n(**translations())
