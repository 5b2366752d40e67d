"""The web application around the page: its assets, its guard, and Gradio mounted inside."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from ui.app import build_app
from ui.desk import Desk
from ui.security import PageGuard
from ui.texts import translations
from ui.theme import page_theme

NO_API_PAGES = {"docs_url": None, "redoc_url": None, "openapi_url": None}
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
    application = FastAPI(**NO_API_PAGES)
    application.mount("/own", StaticFiles(directory=assets()))
    gr.mount_gradio_app(
        application,
        build_app(desk),
        path="/",
        auth=list(users.items()) if users else None,
        app_kwargs=dict(NO_API_PAGES),  # Gradio writes into it
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


def end_streams(application: FastAPI) -> None:
    """Tell Gradio to end the streams that it keeps open to every tab; call it in their loop."""
    for route in application.routes:
        if isinstance(mounted := getattr(route, "app", None), gr.routes.App):
            mounted.stop_event.set()


def page_i18n() -> gr.I18n:
    """The page's words for Gradio's own components."""
    return gr.I18n(**translations())
