"""Built-in node types, each registered through the same public registry as a user's own."""
