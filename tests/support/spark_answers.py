"""Asks the catalog of a project on Spark: `python spark_answers.py PROJECT QUERY ...`."""

import json
import sys
from pathlib import Path

import yaml
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession


def answers(project: Path, queries: list[str], /) -> list[list[list[str]] | str]:
    """Return the rows of each query, as texts; of an error its first line."""
    profile = yaml.safe_load((project / "profiles.yml").read_text())["customer_lifecycle_warehouse"]
    builder = SparkSession.builder.enableHiveSupport()
    for name, value in profile["outputs"]["spark"]["server_side_parameters"].items():
        builder = builder.config(name, value)
    session = builder.config("spark.master", "local[1]").getOrCreate()
    found: list[list[list[str]] | str] = []
    for query in queries:
        try:
            found.append([[str(value) for value in row] for row in session.sql(query).collect()])
        except PySparkException as error:
            found.append(str(error).splitlines()[0])
    return found


if __name__ == "__main__":
    print(json.dumps(answers(Path(sys.argv[1]), sys.argv[2:])))
