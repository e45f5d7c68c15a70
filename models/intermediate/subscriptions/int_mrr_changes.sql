-- Grain: one row per customer, day, plan, billing term and currency in which recurring revenue, its
-- margin or its part without a known cost changed.
{{ config(materialized='table') }}
{{ mrr_changes('started_on', 'stopped_on', counts='is_paying') }}
