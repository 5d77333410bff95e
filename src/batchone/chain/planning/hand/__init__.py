"""What a planner does with a plan by hand."""

from batchone.chain.planning.hand.hand import Hand, move
from batchone.chain.planning.hand.result import Effect, Illegal, Moved, Place, Why

__all__ = ["Effect", "Hand", "Illegal", "Moved", "Place", "Why", "move"]
