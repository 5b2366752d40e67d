"""The address, who may use it, and the headers that keep the page to this machine."""

from __future__ import annotations

import asyncio
import socket

import pytest
from scripted import scripted_desk
from starlette.testclient import TestClient

from rag.settings import Settings
from ui import serve
from ui.errors import PageError
from ui.security import LANGUAGE_COOKIE, PageGuard, localised
from ui.serve import LOOPBACK, address, listen, page_users


def test_a_port_in_use_is_said_with_a_remedy() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PageError, match=rf"{port}.*in use.*--port {port + 1}"):
            listen("127.0.0.1", port)


def test_a_host_that_is_not_ours_is_said() -> None:
    with pytest.raises(PageError, match="127.0.0.1"):
        listen("no-such-host.invalid", 0)
    with pytest.raises(PageError, match="192.0.2.1"):
        listen("192.0.2.1", 0)  # a documentation address: no machine has it


def test_a_problem_is_said_before_anything_is_loaded(tmp_path, monkeypatch) -> None:
    def never(*_, **__):
        raise AssertionError("the desk was made")

    monkeypatch.setattr("ui.desk.Desk.__init__", never)
    with listen("127.0.0.1", 0) as taken, pytest.raises(PageError):
        serve(tmp_path, Settings(), port=taken.getsockname()[1])
    assert list(tmp_path.iterdir()) == []


def test_another_address_needs_users() -> None:
    with pytest.raises(PageError, match="MUSTANAD_PAGE_USERS"):
        page_users("0.0.0.0", "")
    assert page_users("0.0.0.0", "amal:s3cret nabil:x:y") == {"amal": "s3cret", "nabil": "x:y"}
    assert page_users("127.0.0.1", "") == {}


@pytest.mark.parametrize("declared", ["amal", "amal:", ":secret"])
def test_users_without_a_password_are_refused_and_not_repeated(declared: str) -> None:
    with pytest.raises(PageError) as refused:
        page_users("127.0.0.1", declared)
    assert "secret" not in str(refused.value).replace("passwords", "")


def test_the_address_is_one_a_browser_can_open() -> None:
    assert address("0.0.0.0", 80) == "http://127.0.0.1:80/"
    assert address("::1", 7860) == "http://[::1]:7860/"
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            pass


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    from ui.application import make_application

    desk = scripted_desk(tmp_path_factory.mktemp("home"))
    desk.prepare()
    assert desk.wait(10)
    return make_application(desk, hosts=LOOPBACK)


@pytest.fixture
def client(application):
    with TestClient(application, base_url="http://127.0.0.1") as client:
        yield client


def test_every_answer_carries_the_policy(client) -> None:
    for path in ("/", "/own/page.js", "/theme.css", "/no-such-page"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'self'" in policy and "http:" not in policy and "*" not in policy


def test_the_page_names_no_foreign_host_that_a_browser_would_ask(client) -> None:
    page = client.get("/").text
    assert "og:image" not in page and "fonts.g" not in page
    assert 'href="http' not in page and 'src="http' not in page


@pytest.mark.parametrize(("language", "way"), [("ar", "rtl"), ("en", "ltr")])
def test_language_and_direction_come_before_the_pages_scripts(client, language, way) -> None:
    asked = client.get(f"/?lang={language}", headers={"accept-language": "fr"})
    page = asked.text
    assert f'<html lang="{language}" dir="{way}"' in page
    assert page.index("Object.defineProperty(navigator") < page.index("window.gradio_config")
    client.cookies.set(LANGUAGE_COOKIE, language)
    assert f'<html lang="{language}"' in client.get("/", headers={"accept-language": "fr"}).text


def test_a_foreign_host_name_is_refused(client) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/", headers={"host": "localhost:7860"}).status_code == 200
    assert client.get("/", headers={"host": "[::1]:7860"}).status_code == 200


def test_no_api_pages_and_no_reports(client, application) -> None:
    config = client.get("/config").json()
    assert config["footer_links"] == [] and config["analytics_enabled"] is False
    assert client.get("/docs").status_code == 404
    assert client.get("/openapi.json").status_code == 404


def test_signing_in_is_asked_for_where_there_are_users(tmp_path) -> None:
    from ui.application import make_application

    application = make_application(scripted_desk(tmp_path), users={"amal": "s3cret"})
    with TestClient(application, base_url="https://testserver") as client:
        assert client.get("/config").status_code == 401
        assert client.post("/login", data={"username": "amal", "password": "no"}).status_code == 400
        good = client.post("/login", data={"username": "amal", "password": "s3cret"})
        assert good.status_code == 200 and client.get("/config").status_code == 200


def test_streams_pass_through_the_guard_unbuffered() -> None:
    sent = []

    async def application(scope, receive, send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        assert sent[-1]["body"] == b"one"
        await send({"type": "http.response.body", "body": b"two"})

    async def send(message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "path": "/s",
        "headers": [(b"cookie", b"a=b; \xff=;;")],
        "query_string": b"lang=%ff",
    }
    asyncio.run(PageGuard(application)(scope, None, send))
    assert [m.get("body") for m in sent[1:]] == [b"one", b"two"]


def test_other_html_is_passed_on_as_it_is() -> None:
    sent = []

    async def application(scope, receive, send) -> None:
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'<html lang="en"><head></head></html>'})

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/file=x.html", "headers": [], "query_string": b""}
    asyncio.run(PageGuard(application)(scope, None, send))
    assert sent[1]["body"] == b'<html lang="en"><head></head></html>'
    assert b"content-security-policy" in dict(sent[0]["headers"])


def test_a_page_without_the_expected_marks_is_left_alone() -> None:
    assert localised(b"<p>x</p>", "ar") == b"<p>x</p>"
