"""Built-in node types, each registered through the same public registry as a user's own."""

from __future__ import annotations

from ..core.node import NodeRegistry
from .agent import AgentType
from .delay import DelayType
from .end import EndType
from .http import HttpType
from .human_review import HumanReviewType
from .loop import LoopType
from .map import MapType
from .parallel import ParallelType
from .signal import SignalType
from .start import StartType
from .subworkflow import SubworkflowType
from .switch import SwitchType
from .tool import ToolType
from .vote import VoteType

__all__ = ["register_builtin"]


def register_builtin(registry: NodeRegistry) -> None:
    """Add the built-in node types to `registry`, where it has none of that name."""
    for node_type in (
        StartType(),
        EndType(),
        ParallelType(),
        SwitchType(),
        LoopType(),
        VoteType(),
        DelayType(),
        HumanReviewType(),
        SignalType(),
        ToolType(),
        AgentType(),
        HttpType(),
        MapType(),
        SubworkflowType(),
    ):
        registry.types.setdefault(node_type.name, node_type)
