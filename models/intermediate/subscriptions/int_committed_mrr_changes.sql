-- Grain: one row per customer, day, plan, billing term and currency in which committed recurring
-- revenue changed.
{{ mrr_changes('committed_since', 'committed_until', counts='mrr_amount > 0') }}
