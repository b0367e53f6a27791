"""The assertion that each response to hostile input must pass."""

from typing import Any


def assert_envelope(response: Any) -> Any:
    """Assert that the response is JSON in the envelope and no server error, and return it."""
    assert response.status_code < 500, response.content
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert body["success"] is (response.status_code < 400)
    if not body["success"]:
        assert body["message"]
        assert body["code"]
        assert "Traceback" not in response.content.decode()
    return response
