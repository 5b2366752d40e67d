"""A language model behind an OpenAI-compatible server, through LangChain's client for it."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import queue
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from langsmith import tracing_context

from models.protocols import Cancelled, Capabilities, Message, ModelError, TokenStates
from models.streams import until_stop, without_thoughts

_CHARACTERS_A_TOKEN = 3  # Arabic with the tokenisers of multilingual models; English has more
_POLL_S = 0.05
# Reading a long prompt on a server without a GPU can take minutes before the first byte.
_TIMEOUT = httpx.Timeout(300.0, connect=5.0)
_MESSAGES: dict[str, type[BaseMessage]] = {
    "system": SystemMessage,
    "user": HumanMessage,
    "assistant": AIMessage,
}
# What a server may take for a control token of its model: "<|im_end|>", "</s>", "[INST]" …
_CONTROL = re.compile(r"<(?=[^<>\s]{1,40}>)|\[(?=/?[A-Z_]{3,20}\])")


def _bodies(max_tokens: int) -> tuple[dict[str, Any], ...]:
    """Ways to limit an answer and to switch thinking off, in order of preference.

    Some servers refuse fields that they don't know, and some models the older name of the limit.
    """
    thinking_off = {"chat_template_kwargs": {"enable_thinking": False}}
    return (
        {"max_tokens": max_tokens, **thinking_off},
        {"max_tokens": max_tokens},
        {"max_completion_tokens": max_tokens},
    )


def is_loopback(url: str) -> bool:
    """Whether the host of a URL is this machine by its very name or address."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def checked_url(url: str, *, allow_remote: bool) -> str:
    """The base URL to send requests to, ending in a path such as "/v1".

    Raises ModelError where it is not a plain http(s) URL, or not on this machine and not allowed.
    """
    parts = urlsplit(url)
    plain = parts.username is None and not re.search(r"[\\\s]", url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ModelError(
            f"{url!r} is not the URL of a server; expected the form http://127.0.0.1:8080/v1"
        )
    if not allow_remote and not is_loopback(url):
        raise ModelError(
            f"the language model {url} is not on this machine: your questions and passages of "
            "your archive would be sent there. If you want that, set allow_remote_model = true"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1'}"


class ServerLanguageModel:
    """A LanguageModel over HTTP. The server queues calls; here they are counted."""

    capabilities = Capabilities(logits=False, grammar=False, prefix_state=False, prefill=False)

    def __init__(
        self,
        url: str,
        *,
        model: str = "",
        api_key: str = "",
        context_tokens: int = 4096,
        allow_remote: bool = False,
    ) -> None:
        """``model``: as the server calls it; "" for the only one that it has.

        Raises ModelError where the URL is refused, or no model is named and the server, asked,
        does not answer or has several.
        """
        self.url = checked_url(url, allow_remote=allow_remote)
        self.remote = not is_loopback(self.url)
        self.context_tokens = context_tokens
        # A proxy or a redirect would carry the text of a server on this machine to another one.
        self._http = {"trust_env": self.remote, "follow_redirects": False, "timeout": _TIMEOUT}
        self._api_key = api_key or "none"
        self.name = model or self._only_model()
        self.identity = f"{self.url}#{self.name}"
        self._body = 0  # which of _bodies this server takes, as far as is known
        self._under_way = 0
        self._lock = threading.Lock()
        self._closed = False
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=_run, args=(self._loop,), daemon=True).start()
        self._async_http = httpx.AsyncClient(**self._http)
        # Not from the environment, where a key or proxy for another service may be set.
        self._client = ChatOpenAI(
            model=self.name,
            base_url=self.url,
            api_key=self._api_key,
            openai_proxy=None,
            http_client=httpx.Client(**self._http),
            http_async_client=self._async_http,
            temperature=0,
            max_retries=2,
            timeout=_TIMEOUT,
            stream_usage=False,
            stream_chunk_timeout=None,
            use_responses_api=False,
        )

    def generate(
        self,
        messages: Sequence[Message],
        *,
        constant: int = 0,
        prefill: str = "",
        max_tokens: int = 200,
        stop: Sequence[str] = (),
        grammar: str | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[str]:
        """See ``LanguageModel.generate``. Raises ModelError for ``prefill`` and ``grammar``."""
        if prefill or grammar:
            raise ModelError(
                "a server model takes neither the beginning of an answer nor a grammar"
            )
        pieces = self._pieces([_plain(m) for m in messages], max_tokens, cancel)
        return until_stop(without_thoughts(pieces), stop)

    def next_token_probabilities(
        self,
        messages: Sequence[Message],
        options: Sequence[str],
        *,
        constant: int = 0,
        prefill: str = "",
        cancel: threading.Event | None = None,
    ) -> dict[str, float]:
        """Raises ModelError: servers do not reliably give them."""
        raise ModelError("a server model gives no next-token probabilities")

    def token_states(
        self,
        text: str,
        *,
        opening: str,
        before: str,
        layer: int,
        cancel: threading.Event | None = None,
    ) -> TokenStates:
        """Raises ModelError: servers do not give them."""
        raise ModelError("a server model gives no token states")

    def prepare(
        self, messages: Sequence[Message], *, cancel: threading.Event | None = None
    ) -> None:
        """Nothing: a server keeps what it likes."""

    def load(self, cancel: threading.Event | None = None) -> None:
        """Nothing: the server has loaded its model."""

    def count_tokens(self, text: str) -> int:
        """An estimate: a third of the characters."""
        return math.ceil(len(text) / _CHARACTERS_A_TOKEN)

    def queued(self) -> int:
        """Calls that wait for the server or are being answered."""
        return self._under_way

    def close(self) -> None:
        """Drop the connection; calls under way end and later ones raise ModelError."""
        if not self._closed:
            self._closed = True
            asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop)

    async def _shut_down(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._async_http.aclose()
        self._loop.stop()

    def _only_model(self) -> str:
        try:
            with httpx.Client(**self._http) as client:
                response = client.get(
                    f"{self.url}/models", headers={"Authorization": f"Bearer {self._api_key}"}
                )
            response.raise_for_status()
            names = [entry["id"] for entry in response.json()["data"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"the server {self.url} did not say which models it has ({error}); start it, or "
                "name the model in server_model"
            ) from error
        if len(names) != 1:
            raise ModelError(
                f"the server {self.url} has {len(names)} models; name one of them in "
                f"server_model: {', '.join(names[:10])}"
            )
        return names[0]

    def _pieces(
        self, messages: list[BaseMessage], max_tokens: int, cancel: threading.Event | None
    ) -> Iterator[str]:
        if self._closed:
            raise ModelError("the language model was closed")
        # The client runs in a loop of its own, so that a call can be given up at any moment and
        # the server sees the connection close.
        arrived: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        future = asyncio.run_coroutine_threadsafe(
            self._deliver(messages, max_tokens, arrived.put), self._loop
        )
        with self._lock:
            self._under_way += 1
        try:
            while True:
                if cancel is not None and cancel.is_set():
                    raise Cancelled
                try:
                    item = arrived.get(timeout=_POLL_S)
                except queue.Empty:
                    if self._closed:
                        raise ModelError("the language model was closed") from None
                    continue
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise self._explained(item) from item
                yield item
        finally:
            future.cancel()
            with self._lock:
                self._under_way -= 1

    async def _deliver(
        self,
        messages: list[BaseMessage],
        max_tokens: int,
        put: Callable[[str | BaseException | None], None],
    ) -> None:
        """Put the pieces of an answer, then None, or the error that ended it."""
        try:
            with tracing_context(enabled=False):
                async with aclosing(self._stream(messages, max_tokens)) as pieces:
                    async for piece in pieces:
                        put(piece)
        except (openai.OpenAIError, httpx.HTTPError, ValueError, TypeError, KeyError) as error:
            put(error)
        else:
            put(None)

    async def _stream(self, messages: list[BaseMessage], max_tokens: int) -> AsyncIterator[str]:
        bodies = _bodies(max_tokens)
        for choice in range(self._body, len(bodies)):
            try:
                async for chunk in self._client.astream(messages, extra_body=bodies[choice]):
                    self._body = choice
                    if chunk.text:
                        yield chunk.text
                return
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                if choice == len(bodies) - 1:
                    raise

    def _explained(self, error: BaseException) -> ModelError:
        where = f"the language model server {self.url}"
        if isinstance(error, (openai.APITimeoutError, httpx.TimeoutException)):
            return ModelError(f"{where} did not answer in time; see whether it is overloaded")
        if isinstance(error, openai.APIConnectionError):
            return ModelError(f"{where} cannot be reached; see whether it is running")
        if isinstance(error, (openai.AuthenticationError, openai.PermissionDeniedError)):
            return ModelError(f"{where} refused the key; check server_api_key")
        if isinstance(error, openai.NotFoundError):
            return ModelError(
                f"{where} does not know the model {self.name!r} or the path; check server_model "
                f"and that the URL ends as the server wants it ({error})"
            )
        return ModelError(f"{where} failed: {error}")


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _plain(message: Message) -> BaseMessage:
    """A message in which nothing can be taken for a control token.

    Servers tokenise contents together with their chat template, so a tag in an article could end
    a turn; a space after its first character makes it plain words.
    """
    content = _CONTROL.sub(lambda match: match[0] + " ", message.content)
    return _MESSAGES[message.role](content)
