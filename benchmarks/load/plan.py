"""What to send repeatedly, and what each response must contain."""

from dataclasses import dataclass, field, replace

CONNECTIONS = 16
# A browser's: a service that shows users their devices parses it.
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"


@dataclass(frozen=True)
class Request:
    """A request template. `{token}` and `{number}` in its headers and its body are filled in; `{other}` is a second token."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def filled(self, *, token: str = "", other: str = "", number: int = 0) -> "Request":
        def fill(text: str) -> str:
            return text.replace("{token}", token).replace("{other}", other).replace("{number}", str(number))

        return replace(self, headers={name: fill(text) for name, text in self.headers.items()}, body=fill(self.body))

    def all_headers(self) -> dict[str, str]:
        kind = {"Content-Type": "application/json"} if self.body else {}
        return {"User-Agent": USER_AGENT, "Accept": "application/json"} | kind | self.headers

    def encoded(self, host: str) -> bytes:
        body = self.body.encode()
        headers = {"Host": host} | self.all_headers() | ({"Content-Length": str(len(body))} if body else {})
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Plan:
    """The same request on each of 16 connections, with the values that change.

    Each connection has its own of `tokens`. With `next_token`, the name of a JSON string, each response contains the token
    of the next request. `{number}` starts at `first` and increases with each request; after `wraps` requests, if given, it
    starts again. With `once`, each request is sent once, with its own token, and the load ends with the last. `status` is
    the expected status, 0 for any 2xx.
    """

    request: Request
    expect: str
    tokens: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    next_token: str = ""
    first: int = 0
    wraps: int = 0
    once: bool = False
    status: int = 0


@dataclass(frozen=True)
class Sample:
    """`wrong` counts responses with an unexpected status or content.

    `cpu_us` is the processor time of the server's processes per request, in microseconds: on a busy machine it says more
    than the rate.
    """

    requests: int
    seconds: float
    wrong: int
    p50_ms: float
    p99_ms: float
    cpu_us: float = 0.0

    @property
    def rate(self) -> float:
        return self.requests / self.seconds
