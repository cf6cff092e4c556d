"""What goes wrong between us and an OpenAI-compatible endpoint, as node errors with stable codes.

| code | when |
|---|---|
| `rate_limited` | 429, with `retry_after` if the endpoint says so |
| `provider_unavailable` | 5xx, 408, 409, no connection, no answer in time |
| `provider_refused` | any other status: the same request would be refused again; a used-up quota too. Never retried |
| `stream_cut` | the connection ended, or fell silent, within the answer |
| `response_malformed` | what came isn't a stream of chat completion chunks |
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..core.errors import NodeError, TerminalError

if TYPE_CHECKING:
    import openai

_MAX_MESSAGE: Final = 500
_PASSING: Final = (408, 409)
_SPENT: Final = "insufficient_quota"
"""OpenAI's code for a 429 that no waiting cures."""


class ErrorMap:
    """Translates the client's errors.

    Args:
        key: the secret, to be blotted out wherever an endpoint echoes it.
    """

    def __init__(self, key: str | None) -> None:
        self._key = key

    @contextmanager
    def before_the_answer(self) -> Iterator[None]:
        """Translate what the body raises while there is no answer yet."""
        import httpx2
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            raise self._of_status(error) from None
        except openai.APITimeoutError:
            raise NodeError("the endpoint didn't answer in time", "provider_unavailable") from None
        except (openai.APIConnectionError, httpx2.RequestError) as error:  # the latter: a refusal that breaks off
            raise NodeError(f"no connection to the endpoint: {self._cause(error)}", "provider_unavailable") from None

    @contextmanager
    def within_the_answer(self) -> Iterator[None]:
        """Translate what the body raises while it reads the answer."""
        import httpx2
        import openai

        try:
            yield
        except openai.APITimeoutError:
            raise NodeError("the endpoint fell silent within its answer", "stream_cut") from None
        except (openai.APIConnectionError, httpx2.RequestError) as error:
            raise NodeError(f"the connection broke within the answer: {self._cause(error)}", "stream_cut") from None
        except openai.APIError as error:
            raise self._of_event(error) from None
        except (ValueError, msgspec.MsgspecError) as error:
            raise NodeError(
                f"a chunk of the answer can't be read: {self.clean(str(error))}", "response_malformed"
            ) from None

    def check_type(self, content_type: str) -> None:
        """Refuse an answer that is no event stream.

        Raises:
            NodeError: `response_malformed`.
        """
        if content_type.partition(";")[0].strip().lower() != "text/event-stream":
            raise NodeError(f"the endpoint sent {self.clean(content_type)!r}, no event stream", "response_malformed")

    def clean(self, text: str) -> str:
        """Return `text` without the key, and of bounded length."""
        return (text.replace(self._key, "***") if self._key else text)[:_MAX_MESSAGE]

    def _cause(self, error: Exception) -> str:
        cause = error.__cause__ or error
        return self.clean(str(cause) or type(cause).__name__)

    def _of_status(self, error: openai.APIStatusError) -> NodeError:
        status = error.status_code
        wait = retry_after(error.response.headers)
        if status in (401, 403):  # endpoints quote parts of the key here
            return TerminalError(f"the endpoint doesn't accept the key ({status})", "provider_refused")
        message = f"the endpoint answered {status}: {self._said(error)}"
        if status == 429 and error.code != _SPENT:
            return NodeError(message, "rate_limited", retry_after=wait)
        if status >= 500 or status in _PASSING:
            return NodeError(message, "provider_unavailable", retry_after=wait)
        return TerminalError(message, "provider_refused")

    def _of_event(self, error: openai.APIError) -> NodeError:
        """An error event in the stream has no status, only a type and a code."""
        message = f"the endpoint failed within its answer: {self._said(error)}"
        named = f"{error.type} {error.code}"
        if _SPENT in named or "invalid_request" in named:
            return TerminalError(message, "provider_refused")
        return NodeError(message, "rate_limited" if "rate_limit" in named or "429" in named else "provider_unavailable")

    def _said(self, error: openai.APIError) -> str:
        body: Any = error.body
        said = body.get("message") if isinstance(body, dict) else body
        return self.clean(said) if isinstance(said, str) and said else "no reason given"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait: `retry-after-ms`, or Retry-After (RFC 9110, 10.2.3).

    A date is taken relative to the answer's own Date, so that neither clock needs to be right.
    """
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return _wait(float(milliseconds) / 1000)
        if (seconds := headers.get("retry-after")) is None:
            return None
        if seconds.strip().replace(".", "", 1).isdigit():
            return _wait(float(seconds))
        then, now = parsedate_to_datetime(seconds), parsedate_to_datetime(headers["date"])
        return _wait((then - now).total_seconds())
    except (ValueError, TypeError, KeyError):
        return None


def _wait(seconds: float) -> float | None:
    return max(0.0, seconds) if math.isfinite(seconds) else None
