"""Choosing over several visits: what is under way, what was saved and shared, and customers' own pictures."""

from batchone.chain.design.choosing.pictures import PictureFiles
from batchone.chain.design.choosing.service import ChoosingService

__all__ = ["ChoosingService", "PictureFiles"]
