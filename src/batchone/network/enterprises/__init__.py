"""Enterprises: who may do what, and the record of what was done.

Keeps tenants, their people and roles, passwords, sessions, sign-in links and API tokens (of secrets only their hashes), and the
audit record, whose lines are chained by hashes. Hears nothing and says no facts: others ask it through
`contracts.enterprises.Enterprises`, and the web border turns a cookie or a bearer token into an actor with it. It never decides
what a role may do in another domain: each route states the roles that it is for.
"""

from batchone.network.enterprises.audit import AuditCheck, verify_audit
from batchone.network.enterprises.model import EnterprisesSettings
from batchone.network.enterprises.module import MODULE

__all__ = ["MODULE", "AuditCheck", "EnterprisesSettings", "verify_audit"]
