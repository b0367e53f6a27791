"""Whether this machine's web process answers: exit code 0 if so. With a number, it is given that many seconds to begin to."""

import http.client
import os
import sys
import time

_PAUSE_SECONDS = 0.2


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main(seconds: float) -> int:
    port = int(os.environ.get("PORT", "8000"))
    deadline = time.monotonic() + seconds
    while not answers(port):
        if time.monotonic() >= deadline:
            return 1
        time.sleep(_PAUSE_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0))
