"""The thing model: what engineers declare beside the packs, as numbered texts, and the model that both make together."""
