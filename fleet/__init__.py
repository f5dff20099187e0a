"""When to start and stop machines: a pure policy, a launcher, the tick."""
