"""The build backend: setuptools, which finds the console built when it makes a wheel or a source distribution.

A source distribution holds the built files, so whoever installs from one needs no Node.js. An editable install
builds nothing: `make console` does, when it is wanted.
"""

from __future__ import annotations

from typing import Any

import bundle
from setuptools import build_meta
from setuptools.build_meta import (  # noqa: F401 - hooks that stay as they are
    build_editable,
    get_requires_for_build_editable,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """Return what a wheel's build needs besides setuptools: Node.js, where there is none."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_node()]


def get_requires_for_build_sdist(config_settings: Any = None) -> list[str]:
    """Return what a source distribution's build needs besides setuptools: the same."""
    return [*build_meta.get_requires_for_build_sdist(config_settings), *_node()]


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """Build a wheel, with the console in it."""
    bundle.build()
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    """Build a source distribution, with the built console in it."""
    bundle.build()
    return build_meta.build_sdist(sdist_directory, config_settings)


def _node() -> list[str]:
    return [bundle.WHEEL] if bundle.have_sources() and bundle.find_node() is None else []
