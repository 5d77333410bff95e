"""`python -m batchone.cli`."""

from batchone.cli.app import main

main()
