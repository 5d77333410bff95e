"""Lets `python -m plantsim` run the command."""

from plantsim.cli import main

main()
