"""In which turns dbt and Python build the models: no Spark is needed to say."""

from python_helpers.spark.python_models import Wave, waves


def manifest(**models: str) -> dict[str, object]:
    """Return a manifest of models by name, each `sql` or `python` and what it reads."""
    nodes = {}
    for name, described in models.items():
        language, *parents = described.split()
        nodes[f"model.{name}"] = {
            "name": name,
            "resource_type": "model",
            "language": language,
            "depends_on": {"nodes": [f"model.{parent}" for parent in parents]},
        }
    return {"nodes": nodes}


def test_sql_waits_for_python_and_python_only_for_the_sql_it_reads():
    found = waves(
        manifest=manifest(
            forecasts="python fits histories",
            report="sql forecasts late_fits",
            histories="sql",
            fits="python histories",
            scores="sql fits",
            late_fits="python scores",
            unrelated="sql histories",
        )
    )
    assert [(set(wave.built), list(wave.python)) for wave in found] == [
        ({"histories", "fits", "forecasts", "unrelated"}, ["fits", "forecasts"]),
        ({"scores", "late_fits"}, ["late_fits"]),
        ({"report"}, []),
    ]


def test_without_python_there_is_one_wave():
    assert list(waves(manifest=manifest(a="sql b", b="sql"))) == [Wave(built=["b", "a"], python=[])]
    assert list(waves(manifest=manifest())) == []
