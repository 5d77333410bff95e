"""`python -m batchone.cli`. The guard keeps worker processes, which import this file, from running the command again."""

from batchone.cli.app import main

if __name__ == "__main__":
    main()
