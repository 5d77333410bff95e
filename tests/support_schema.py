"""What a schema of PostgreSQL holds, as plain text, so that two ways of making it can be compared."""

from __future__ import annotations

import psycopg

_WHAT = {
    "column": (
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, "
        "pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
        "WHERE c.relnamespace = {schema} AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped"
    ),
    "constraint": (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = {schema}"
    ),
    "index": (
        "SELECT tablename, indexname, indexdef FROM pg_indexes "
        "WHERE schemaname = (SELECT nspname FROM pg_namespace WHERE oid = {schema})"
    ),
    "trigger": (
        "SELECT c.relname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE c.relnamespace = {schema} AND NOT t.tgisinternal"
    ),
    "function": (
        "SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = {schema} AND p.prokind <> 'a'"
    ),
    "relation": (
        "SELECT c.relname, c.relkind, c.relpersistence, pg_get_viewdef(c.oid), obj_description(c.oid, 'pg_class') "
        "FROM pg_class c WHERE c.relnamespace = {schema} AND c.relkind IN ('v', 'm', 'S', 'p', 'r')"
    ),
    "type": (
        "SELECT t.typname, t.typtype, "
        "(SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid), "
        "format_type(t.typbasetype, t.typtypmod) FROM pg_type t WHERE t.typnamespace = {schema} AND t.typtype IN ('e', 'd')"
    ),
}


def catalog(url: str, schema: str) -> list[str]:
    """Every column, constraint, index, trigger, function, view, sequence and type of a schema, a line each, sorted.

    The order of columns is not part of it: a column that a later migration adds stands last, and means the same.
    """
    lines: list[str] = []
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path TO pg_catalog")
        for what, query in _WHAT.items():
            rows = connection.execute(query.replace("{schema}", "%(schema)s::regnamespace"), {"schema": f'"{schema}"'})
            lines += [f"{what}: {' | '.join(str(value) for value in row)}" for row in rows]
    return sorted(lines)
