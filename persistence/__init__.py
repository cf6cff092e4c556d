"""Stores for event logs and snapshots, and the persistence actor that writes to them."""
