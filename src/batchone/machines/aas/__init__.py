"""AAS: equipment and items as Asset Administration Shells (IEC 63278), for whoever speaks that standard and nothing of ours.

Hears and says nothing, and keeps nothing: each answer is made from what the thing model, the twin and production say at that
moment (metamodel 3.0.1). The routes are the read profiles SSP-002 of shell and submodel repositories of API 3.0, under
`/api/aas/v3.0`; a package (AASX) is written for shells that are asked for, and one that is brought is judged and compared.
It changes nothing: what a foreign package says is never taken into the thing model.
"""

from batchone.machines.aas.module import MODULE

__all__ = ["MODULE"]
