"""HTTP, WebSocket and command-line front ends over the engine."""
