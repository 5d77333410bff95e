"""View models: what a template needs and nothing more, made by pure functions from the contracts' types."""
