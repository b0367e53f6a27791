"""Helpers of the tests: the pytest plugin that starts their servers, and controllable servers and proxies."""
