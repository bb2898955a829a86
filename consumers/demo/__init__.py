"""The demo: a sample shop's year, sent through the doors that shops use."""
