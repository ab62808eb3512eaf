"""What PostgreSQL itself says of a schema: columns, constraints, indexes."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

EVERYTHING = text("""
SELECT 'column ' || c.relname || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull,
                 nullif(a.attidentity::text, ''), nullif(a.attgenerated::text, ''),
                 pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint ' || conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL
SELECT 'index ' || tablename || '.' || indexname, indexdef
  FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'relation ' || relname, relkind::text
  FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'function ' || proname, pg_get_functiondef(oid)
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'type ' || typname, typtype::text
  FROM pg_type WHERE typnamespace = 'public'::regnamespace
UNION ALL
SELECT 'extension ' || extname, extversion FROM pg_extension
""")


async def catalog(engine: AsyncEngine) -> set[tuple[str, str]]:
    """Return name and definition of every object in a database but alembic's own table."""
    async with engine.connect() as connection:
        rows = (await connection.execute(EVERYTHING)).all()
    return {(name, definition) for name, definition in rows if "alembic_version" not in name}
