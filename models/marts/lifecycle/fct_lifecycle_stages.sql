-- Grain: one row per customer and stay in a stage.
-- A view in a warehouse, a table in the file that is published: int_lifecycle_stages has its rows.
{{ config(materialized='view') }}

select
    -- keys
    customer_id,
    stage_number,

    -- words
    lifecycle_stage,
    previous_stage,
    growth_stage,
    buying_stage,
    relationship_stage,
    bank_zone,
    objective,

    -- dates
    entered_on,
    left_on,

    -- flags
    is_current
from {{ ref('int_lifecycle_stages') }}
