"""Between sector packs and feature models in UVL: the same configurations, said in the other language.

Out: each option of a pack is a feature below the product with its values as an alternative group, named `option=value`; a
slot is an optional feature with its options below; rules are constraints. Prices and numbers of values travel as
attributes, by which comparisons add up. In: each alternative group is an option with its members as values (and `none`
where the group may be absent), every other feature that may be chosen or not an option `yes`/`no`; groups and constraints
are rules. What no configuration has is left out, as a pack says nothing in vain.
"""

from batchone.chain.design.exchange.inward import PackPart, part_of
from batchone.chain.design.exchange.outward import feature_of, model_of, model_on

__all__ = ["PackPart", "feature_of", "model_of", "model_on", "part_of"]
