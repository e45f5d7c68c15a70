"""What others did to the tables of an export: rights to keep, and objects never to drop."""

from python_helpers.core.errors import PublishError
from python_helpers.export.postgres.server import Schema

# Objects that `drop table` would remove silently, and whether that is refused: the effect of a
# trigger, a rule, a policy or a publication is missed too late. Of the others the export tells.
ADDED = """
with ours as (
    select oid, relname, relrowsecurity from pg_class
    where relnamespace = {schema}::regnamespace and relname in ({tables})
)

select distinct
    pg_describe_object(classid, objid, 0),
    classid in (
        'pg_trigger'::regclass, 'pg_rewrite'::regclass, 'pg_policy'::regclass,
        'pg_publication_rel'::regclass
    )
from pg_depend
where refclassid = 'pg_class'::regclass and refobjid in (select oid from ours) and deptype = 'a'
union all
select 'row security of table ' || relname, true from ours where relrowsecurity
order by 1
"""
# Rights on columns that no longer exist are left out.
GRANTS = """
select format(
    'grant %s%s on %s to %s%s',
    granted.privilege_type,
    ' (' || quote_ident(held.attname) || ')',
    held.new_table,
    coalesce(quote_ident(role.rolname), 'public'),
    case when granted.is_grantable then ' with grant option' end
)
from (
    select relname, relowner, null as attname, relacl as rights,
        to_regclass(format('%I.%I', {schema}, relname || '{new}')) as new_table
    from pg_class where relnamespace = {schema}::regnamespace
    union all
    select relname, relowner, old.attname, old.attacl, new.attrelid::regclass
    from pg_class
    inner join pg_attribute as old on pg_class.oid = old.attrelid
    inner join pg_attribute as new
        on old.attname = new.attname
        and to_regclass(format('%I.%I', {schema}, relname || '{new}')) = new.attrelid
    where relnamespace = {schema}::regnamespace
) as held
cross join lateral aclexplode(held.rights) as granted
left join pg_roles as role on granted.grantee = role.oid
where held.relname in ({tables}) and granted.grantee <> held.relowner
order by 1
"""


def dropped_with(*, schema: Schema, tables: list[str]) -> list[str]:
    """List the indexes, constraints, defaults and the like that others added to tables.

    Raises PublishError where others added what must not be lost.
    """
    found = schema.query(ADDED, tables=tables)
    refused = [what for what, is_refused in found if is_refused]
    if refused:
        raise PublishError(
            f"Others added to the tables of the last export: {'; '.join(refused)}. Nothing was "
            "changed. Drop them during the export, or export to another schema with --schema."
        )
    return [what for what, _ in found]


def copy_grants(*, schema: Schema, tables: list[str], new: str) -> None:
    """Give others the same rights on the new tables."""
    for (grant,) in schema.query(GRANTS, tables=tables, new=new):
        schema.server.execute(grant)
