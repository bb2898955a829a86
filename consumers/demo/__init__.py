"""The demo: a real shop's year, sent through the doors that shops use."""
