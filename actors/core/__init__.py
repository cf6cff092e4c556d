"""The pure core: what a session is, and what it does about a command, without actors, I/O, time or chance."""
