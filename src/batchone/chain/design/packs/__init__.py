"""Sector packs as files: read, checked, refused with file, line and cure for each fault.

`check_pack` tells all faults of a folder, `load_pack` hands out a pack that has none. Nothing here changes anything.
"""

from batchone.chain.design.packs.checking import check_files, check_pack, load_files, load_pack, read_pack_files
from batchone.chain.design.packs.faults import Fault, PackRefused, PackReport

__all__ = ["Fault", "PackRefused", "PackReport", "check_files", "check_pack", "load_files", "load_pack", "read_pack_files"]
