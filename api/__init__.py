"""The doors: HTTP requests become commands, queries and questions to the log."""
