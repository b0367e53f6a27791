"""What only the tests need: the plugin that starts their servers."""
