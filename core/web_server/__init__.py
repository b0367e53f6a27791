"""The command lines of the service's processes, and the web server among them."""
