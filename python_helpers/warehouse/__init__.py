"""Running dbt: builds, selections, documentation, and what a failed build means."""
