-- Grain: one row per customer, day, plan, billing term and currency in which committed recurring
-- revenue changed.
{{ mrr_changes('committed_from', 'committed_to', counts='mrr_amount > 0') }}
