"""Drains the queue: a supervisor, codec processes, an engine process."""
