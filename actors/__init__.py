"""The engine: actors, sessions and the workflow core, free of storage and transport."""
