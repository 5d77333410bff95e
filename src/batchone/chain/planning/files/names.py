"""What people call things, for files that people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Names:
    """Names of jobs, resources and operations by their ids; where there is none, the id is the name."""

    jobs: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    operations: Mapping[str, str] = field(default_factory=dict)

    def job(self, id_: str) -> str:
        """What a job is called."""
        return self.jobs.get(id_) or id_

    def resource(self, id_: str) -> str:
        """What a resource is called."""
        return self.resources.get(id_) or id_

    def operation(self, id_: str) -> str:
        """What an operation is called."""
        return self.operations.get(id_) or id_


NAMELESS = Names()
