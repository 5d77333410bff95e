"""Feature models in the Universal Variability Language (UVL): read, judged, written.

Read is all of the boolean level with group cardinalities, attributes, and of the arithmetic level comparisons of sums and
products of numbers. Refused by name: features with a type, feature cardinalities, models of several files, and functions
other than `sum`. Every fault has its line, its column and what was expected.
"""

from batchone.chain.design.uvl.faults import Fault, UvlRefused
from batchone.chain.design.uvl.judging import holds, valid
from batchone.chain.design.uvl.model import Constraint, Feature, FeatureModel, Group, Relation
from batchone.chain.design.uvl.reading import FEATURES_MAX, read, read_file
from batchone.chain.design.uvl.writing import write

__all__ = [
    "FEATURES_MAX", "Constraint", "Fault", "Feature", "FeatureModel", "Group", "Relation", "UvlRefused", "holds", "read",
    "read_file", "valid", "write",
]  # fmt: skip
