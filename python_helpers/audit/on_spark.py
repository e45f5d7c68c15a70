"""The warehouse on Spark as the database of an audit: Spark answers, and no table is fetched."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from great_expectations.data_context import EphemeralDataContext
from great_expectations.datasource.fluent import SparkDatasource
from great_expectations.datasource.fluent.spark_datasource import DataFrameAsset
from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.sql import SparkSession

from python_helpers.audit.database import (
    PUBLISHED_COLUMNS,
    SCHEMAS,
    AuditDatabase,
    CannotAskError,
)
from python_helpers.core.settings import Settings
from python_helpers.spark.catalog import columns_of, newest_schema
from python_helpers.spark.session import first_line, session_of

NO_BUILD = "no_published_build"  # no schema has this name
KNOWN_TO_SUITES = (
    """
    create or replace temporary function days_between(earlier date, later date) returns int
    return datediff(later, earlier)
    """,
    """
    create or replace temporary view all_days as
    select explode(sequence(date '1970-01-01', date_add(current_date(), 366))) as date_day
    """,
)


class QueryAsset(DataFrameAsset):  # type: ignore[misc]
    """A query of Spark as a batch; that of Great Expectations asks for its rows at each run."""

    type: Literal["spark_query"] = "spark_query"
    query: str

    def add_batch_definition_whole_table(self, name: str) -> object:
        """Add the batch of all rows, as tables of a database have it."""
        return self.add_batch_definition(name)

    def get_batch_parameters_keys(self, partitioner: object = None) -> tuple[str, ...]:
        """Return what a run has to bring: nothing."""
        return ()

    def build_batch_request(self, options: object = None, **more: object) -> object:
        """Ask for the rows of the query."""
        frame = SparkSession.builder.getOrCreate().sql(self.query)
        return super().build_batch_request({"dataframe": frame})


class QuerySource(SparkDatasource):  # type: ignore[misc]
    """Spark as a data source with queries."""

    asset_types: ClassVar[list[type]] = [QueryAsset]
    type: Literal["spark_queries"] = "spark_queries"
    assets: list[QueryAsset] = []  # noqa: RUF012 - a field of pydantic

    def add_query_asset(self, name: str, *, query: str) -> QueryAsset:
        """Add a query under a name."""
        return self._add_asset(asset=QueryAsset(name=name, query=query))


@dataclass(frozen=True, kw_only=True)
class SparkAudit(AuditDatabase):
    """Temporary views in the session of Spark."""

    session: SparkSession

    def keep(self, *, name: str, query: str) -> None:
        """Keep the rows in the memory of the executors, and on their disks beyond it."""
        try:
            frame = self.session.sql(query).persist()
            frame.count()
        except PySparkException as error:
            cause = first_line(error)
            is_missing = isinstance(error, AnalysisException) and not isinstance(
                error, ParseException
            )
            parts = (error.getMessageParameters() or {}).get("relationName", "")
            table = parts.replace("`", "").split(".")[-1] or None
            raise CannotAskError(cause, is_missing=is_missing, table=table) from error
        frame.createOrReplaceTempView(view_of(name))

    def first_row(self, name: str, /) -> Mapping[str, Any] | None:
        """Read the first row of a view."""
        row = self.session.table(view_of(name)).first()
        return row and row.asDict()


def view_of(name: str, /) -> str:
    """Name the view that keeps something: a name has no schema there."""
    return name.replace(".", "__")


@contextmanager
def opened_in_spark(
    *, settings: Settings, docs: Path, context: EphemeralDataContext
) -> Iterator[SparkAudit]:
    """Open the session of Spark to be asked. Raises SettingsError."""
    session = session_of(settings=settings)
    for statement in KNOWN_TO_SUITES:
        session.sql(statement)
    marts = settings.marts_schema or newest_schema(session=session)
    published = settings.published_schema
    columns = list(columns_of(session=session, schema=published)) if published else []
    session.createDataFrame(
        columns, "table_name string, column_name string"
    ).createOrReplaceTempView(PUBLISHED_COLUMNS)
    source = QuerySource(name="warehouse", persist=False)
    places = {schema: schema for schema in SCHEMAS}
    try:
        yield SparkAudit(
            settings=settings,
            context=context,
            source=context.data_sources.add_spark_queries(datasource=source),
            docs=docs,
            places=places | {"marts": marts, "published": published or NO_BUILD},
            published=published or NO_BUILD,
            session=session,
        )
    finally:
        for view in session.catalog.listTables():
            if view.isTemporary:
                session.catalog.dropTempView(view.name)
        session.catalog.clearCache()
