"""What others did to the tables of an export: rights that are kept, and what is never dropped."""

from __future__ import annotations

from collections.abc import Iterable

from python_helpers.postgres_server import Server
from python_helpers.publish import name, text
from python_helpers.published import PublishError

# Views and rules, keys that point at a table, and tables that inherit from it.
DEPENDENTS = """
select distinct format('%s %s.%s', kind, namespace.nspname, dependent.relname), used.relname::text
from (
    select rule.ev_class as by_id, needed.refobjid as used_id, 'view' as kind
    from pg_depend as needed
    inner join pg_rewrite as rule on needed.objid = rule.oid
    where needed.classid = 'pg_rewrite'::regclass and needed.refclassid = 'pg_class'::regclass
    union all
    select conrelid, confrelid, 'table' from pg_constraint where contype = 'f'
    union all
    select inhrelid, inhparent, 'table' from pg_inherits
) as needs
inner join pg_class as dependent on needs.by_id = dependent.oid
inner join pg_class as used on needs.used_id = used.oid
inner join pg_namespace as namespace on dependent.relnamespace = namespace.oid
where used.relnamespace = {schema}::regnamespace and used.relname in ({tables})
and not (dependent.relnamespace = used.relnamespace and dependent.relname in ({tables}))
order by 1, 2
"""
RIGHTS = """
select
    held.relname::text,
    held.column_name,
    granted.privilege_type,
    coalesce(quote_ident(role.rolname), 'public'),
    granted.is_grantable
from (
    select relname, null as column_name, relacl as rights, relowner
    from pg_class where relnamespace = {schema}::regnamespace
    union all
    select relname, attname::text, attacl, relowner
    from pg_class inner join pg_attribute on attrelid = pg_class.oid
    where relnamespace = {schema}::regnamespace and attnum > 0 and not attisdropped
) as held
cross join lateral aclexplode(held.rights) as granted
left join pg_roles as role on granted.grantee = role.oid
where held.relname in ({tables}) and granted.grantee <> held.relowner
order by 1, 2, 3, 4
"""


def in_list(*, tables: Iterable[str]) -> str:
    """Write names of tables as a list in SQL."""
    return ", ".join(map(text, tables))


def refuse_what_would_be_lost(*, server: Server, schema: str, tables: list[str]) -> None:
    """Refuse to drop tables that others built on. Raises PublishError, which says who."""
    if not tables:
        return
    names = {"schema": text(schema), "tables": in_list(tables=tables)}
    found = server.query(DEPENDENTS.format(**names))
    if found:
        said = "; ".join(f"{dependent} needs {schema}.{table}" for dependent, table in found)
        raise PublishError(
            f"Others depend on the tables of the last export, and nothing was changed: {said}. "
            "Drop them for the time of the export, or export to another schema with --schema."
        )
    secured = server.query(
        "select relname::text from pg_class where relrowsecurity "
        "and relnamespace = {schema}::regnamespace and relname in ({tables})".format(**names)
    )
    if secured:
        raise PublishError(
            f"{schema}.{secured[0][0]} has row security, which a new table would not have: "
            "export to another schema with --schema."
        )


def copied_grants(*, server: Server, schema: str, tables: list[str], new: str) -> list[str]:
    """Write the grants that give others the same rights on the new tables.

    A right on a column that is no more is left out.
    """
    if not tables:
        return []
    rights = server.query(RIGHTS.format(schema=text(schema), tables=in_list(tables=tables)))
    columns = set(
        server.query(
            "select relname::text, attname::text from pg_class "
            "inner join pg_attribute on attrelid = pg_class.oid "
            f"where relnamespace = {text(schema)}::regnamespace"
        )
    )
    return [
        f"grant {privilege}{f' ({name(column)})' if column else ''} "
        f"on {name(schema)}.{name(table + new)} to {role}"
        f"{' with grant option' if is_grantable else ''}"
        for table, column, privilege, role, is_grantable in rights
        if not column or (f"{table}{new}", column) in columns
    ]
