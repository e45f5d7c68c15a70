"""What others did to the tables of an export: rights to keep, and objects never to drop."""

from python_helpers.core.errors import PublishError
from python_helpers.core.sql import name
from python_helpers.export.postgres.server import Schema

# Objects that depend on the tables, on their row types or on their columns: those that prevent a
# drop ('n'), and triggers, rules, policies and members of publications, which a drop would remove
# silently ('a'). To the server a view is a rule, so the view is named.
DEPENDENTS = """
with ours as (
    select oid, reltype, relname from pg_class
    where relnamespace = {schema}::regnamespace and relname in ({tables})
),

needed as (
    select oid, 'pg_class'::regclass as catalogue, relname from ours
    union all
    select reltype, 'pg_type'::regclass, relname from ours where reltype <> 0
    union all
    select pg_type.typarray, 'pg_type'::regclass, relname
    from ours inner join pg_type on ours.reltype = pg_type.oid
),

dependents as (
    select
        case
            when rule.rulename = '_RETURN'
                then pg_describe_object('pg_class'::regclass, rule.ev_class, 0)
            else pg_describe_object(depending.classid, depending.objid, depending.objsubid)
        end as dependent,
        needed.relname,
        depending.deptype,
        depending.classid,
        coalesce(
            constrained.conrelid, rule.ev_class, policy.polrelid, triggered.tgrelid,
            case when depending.classid = 'pg_class'::regclass then depending.objid end
        ) as on_table,
        triggered.tgisinternal
    from needed
    inner join pg_depend as depending
        on needed.oid = depending.refobjid and needed.catalogue = depending.refclassid
    left join pg_rewrite as rule
        on depending.objid = rule.oid and depending.classid = 'pg_rewrite'::regclass
    left join pg_constraint as constrained
        on depending.objid = constrained.oid and depending.classid = 'pg_constraint'::regclass
    left join pg_policy as policy
        on depending.objid = policy.oid and depending.classid = 'pg_policy'::regclass
    left join pg_trigger as triggered
        on depending.objid = triggered.oid and depending.classid = 'pg_trigger'::regclass
)

select distinct dependent, relname::text
from dependents
where (deptype = 'n' and not exists (select from ours where ours.oid = on_table))
or (
    deptype = 'a'
    and classid in (
        'pg_trigger'::regclass, 'pg_rewrite'::regclass, 'pg_policy'::regclass,
        'pg_publication_rel'::regclass
    )
    and not coalesce(tgisinternal, false)
)
order by 1, 2
"""
# Objects of others that need only these tables are dropped with them, and reported afterwards.
LOST = """
select distinct pg_describe_object(depending.classid, depending.objid, 0)
from pg_class as used
inner join pg_depend as depending
    on used.oid = depending.refobjid and depending.refclassid = 'pg_class'::regclass
left join pg_class as dependent
    on depending.objid = dependent.oid and depending.classid = 'pg_class'::regclass
where used.relnamespace = {schema}::regnamespace and used.relname in ({tables})
and depending.deptype = 'a'
and (
    dependent.relkind = 'i'
    or depending.classid in (
        'pg_constraint'::regclass, 'pg_attrdef'::regclass, 'pg_statistic_ext'::regclass
    )
)
order by 1
"""
COLUMNS = """
select relname::text, attname::text
from pg_class inner join pg_attribute on attrelid = pg_class.oid
where relnamespace = {schema}::regnamespace
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


def refuse_what_would_be_lost(*, schema: Schema, tables: list[str]) -> None:
    """Refuse to drop tables that others depend on. Raises PublishError, which names the objects."""
    found = schema.query(DEPENDENTS, tables=tables)
    if found:
        said = "; ".join(f"{dependent} needs {schema.name}.{table}" for dependent, table in found)
        raise PublishError(
            f"Other objects depend on the tables of the last export: {said}. Nothing was changed. "
            "Drop them during the export, or export to another schema with --schema."
        )
    secured = schema.query(
        "select relname::text from pg_class where relrowsecurity "
        "and relnamespace = {schema}::regnamespace and relname in ({tables})",
        tables=tables,
    )
    if secured:
        raise PublishError(
            f"{schema.name}.{secured[0][0]} has row security, which a new table would lose. "
            "Export to another schema with --schema."
        )


def lost_with(*, schema: Schema, tables: list[str]) -> list[str]:
    """List indexes, constraints, defaults and statistics that others made for tables."""
    return [what for (what,) in schema.query(LOST, tables=tables)]


def copied_grants(*, schema: Schema, tables: list[str], new: str) -> list[str]:
    """Write the grants that give others the same rights on the new tables.

    Rights on columns that no longer exist are left out.
    """
    columns = set(schema.query(COLUMNS))
    return [
        f"grant {privilege}{f' ({name(column)})' if column else ''} "
        f"on {schema.table(table + new)} to {role}"
        f"{' with grant option' if is_grantable else ''}"
        for table, column, privilege, role, is_grantable in schema.query(RIGHTS, tables=tables)
        if not column or (f"{table}{new}", column) in columns
    ]
