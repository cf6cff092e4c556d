"""The version of the distribution, in the one place that setup.cfg reads."""

VERSION = "0.1.0"
