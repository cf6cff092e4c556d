"""The whole runtime on virtual time: one seed, one schedule, faults anywhere. See docs/adr/0016-simulation.md."""
