"""Public helpers for testing against a real server: the pytest plugin `mailkeep.testing.plugin`."""
