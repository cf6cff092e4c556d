"""sessiond: a durable session runtime on actors."""
