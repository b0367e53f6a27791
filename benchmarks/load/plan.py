"""What to send over and over, and what each answer must say. Values alone; how it is sent is the client's affair."""

from dataclasses import dataclass, field, replace

CONNECTIONS = 16
# A browser's, since a service that shows its users their devices reads it.
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"


@dataclass(frozen=True)
class Ask:
    """A request. `{token}` and `{number}` in its headers and its body are filled in; `{other}` is a second token."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def filled(self, *, token: str = "", other: str = "", number: int = 0) -> "Ask":
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
    """The same request on each of 16 connections, with what changes from one to the next.

    `tokens` are one a connection. With `next_token`, the name of a JSON string, each answer brings the token of the next
    request. `{number}` starts at `first` and differs in each request; after `wraps` of them, where given, it starts again.
    With `once` each request is sent once, with a token of its own, and the run ends with the last. `status` is what answers
    must have, 0 for any 2xx.
    """

    ask: Ask
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
    """`wrong` counts answers of another status than they should have, or that do not say what they must.

    `cpu_us` is what the server's processes took of the processor for one request, in microseconds: on a machine that does
    other work too it says more than the rate.
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
