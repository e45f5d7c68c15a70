"""The Data Docs of the audit: the site of Great Expectations, which a browser opens offline.

Great Expectations takes scripts and styles from other sites. The templates of this folder ask
nobody, and the results of the last builds lie beside the pages, so that the site shows them all.
"""

import json
from pathlib import Path
from typing import Any, ClassVar

from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.data_context.store import ValidationResultsStore
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader

TEMPLATES = Path(__file__).parent / "templates"
SITE = "audit"
SHOWN = "shown_results"
"""The store of the results that the site shows."""
OURS = {"module_name": __name__}


class Page(DefaultJinjaPageView):  # type: ignore[misc]
    """A page of the site, made of our templates where there is one."""

    env: Environment
    shared: ClassVar[dict[str, Environment]] = {}
    """The templates are compiled once for all pages."""

    def __init__(self, **settings: Any) -> None:
        """Prefer our templates."""
        super().__init__(**settings)
        theirs = PackageLoader("great_expectations", "render/view/templates")
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), theirs])
        self.env = self.shared.setdefault("env", self.env)


class Results(ValidationResultsStore):  # type: ignore[misc]
    """A store of results, also of those with truth values of numpy, such as quantiles'."""

    def serialize(self, value: ExpectationSuiteValidationResult) -> str:
        """Write results as JSON."""
        return json.dumps(value.to_json_dict(), indent=2, default=lambda each: each.item())


def data_docs(*, folder: Path) -> DataContextConfig:
    """Configure Great Expectations: everything is in memory, but for the site and what it shows."""
    page = {"view": OURS | {"class_name": Page.__name__}}
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
        data_docs_sites={
            SITE: {
                "class_name": "SiteBuilder",
                "store_backend": in_folder(folder),
                "show_how_to_buttons": False,
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", **page},
                "site_section_builders": {
                    "expectations": page,
                    "validations": page | {"source_store_name": SHOWN},
                    "profiling": "None",
                },
            }
        },
    )
    in_memory = {"class_name": "InMemoryStoreBackend"}
    results = OURS | {"class_name": Results.__name__}
    # under another name than theirs, which they always give to a store of their own
    config.validation_results_store_name = "asked_results"
    config.stores["asked_results"] = results | {"store_backend": in_memory}
    config.stores[SHOWN] = results | {"store_backend": in_folder(folder / "results")}
    return config


def in_folder(folder: Path, /) -> dict[str, str]:
    """Configure a store of files."""
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}
